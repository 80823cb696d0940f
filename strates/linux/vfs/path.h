// A place in the tree of all mounts: which mount, and which directory entry in it.
#pragma once

#include "lib/base/ref.h"
#include "strates/linux/vfs/dentry.h"
#include "strates/linux/vfs/mount.h"

namespace astrata::linux_abi {

struct Path {
    Ref<Mount> mount;
    Ref<Dentry> dentry;

    [[nodiscard]] Inode& inode() const { return *dentry->inode(); }
    bool operator==(Path const&) const = default;
};

}  // namespace astrata::linux_abi
