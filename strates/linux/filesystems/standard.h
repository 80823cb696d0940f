// The mounts that a silo's programs find: / and, in it, /proc, /sys, /dev with pts and shm, and a writable /tmp.
#pragma once

#include <memory>
#include <string_view>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/filesystems/overlay/lower.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {

/// Builds the tree of the silo, once, before the first program. Directories to mount on are made (in memory) where the
/// root file system lacks them. lower     the root file system, null for an empty one source    its name for
/// /proc/mounts
/// returns   root and working directory / for the first program, with umask 022
LinuxResult<Ref<FileSystemContext>> mount_standard_file_systems(std::unique_ptr<LowerFileSystem> lower,
                                                                std::string_view source);

/// A tmpfs with the standard device nodes.
LinuxResult<Ref<OverlayFileSystem>> create_device_file_system();

}  // namespace astrata::linux_abi
