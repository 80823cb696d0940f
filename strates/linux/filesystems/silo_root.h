// The tree of names that a silo's programs find: its root file system with an overlay for what they write, /proc, /dev,
// /tmp.
#pragma once

#include "lib/base/ref.h"
#include "sdk/handle.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

/// Mounts everything; once, before the first program. `root` is the FileSystem endpoint that shows below the overlay.
/// returns   a context at the root, for the first programs
/// errors    enomem, eio (the file system does not answer)
[[nodiscard]] LinuxResult<Ref<FileSystemContext>> build_silo_root(sdk::UniqueHandle root);

}  // namespace astrata::linux_abi
