// Opening what is not a regular file: directories here, devices, pipes and sockets where their drivers live.
#pragma once

#include <cstdint>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

/// A file on an inode whose file system has nothing to say about opening it: directories, device nodes, FIFOs.
/// errors    enxio (no such device, or a socket), einval (a regular file, whose file system should have opened it)
LinuxResult<Ref<File>> open_by_type(Inode& inode, Path const& path, std::uint32_t flags);

/// A directory file, or with O_PATH a file that only names a place.
LinuxResult<Ref<File>> open_directory(Path const& path, std::uint32_t flags);
LinuxResult<Ref<File>> open_path_only(Path const& path, std::uint32_t flags);

/// The device of a node; devices/ and tty/ implement it. May lead to another file than the node's (/dev/tty).
LinuxResult<Ref<File>> open_device(Path const& path, FileType type, std::uint64_t number, std::uint32_t flags);
/// A FIFO; pipe/ implements it. Waits for the other side unless O_NONBLOCK.
LinuxResult<Ref<File>> open_fifo(Inode& inode, Path const& path, std::uint32_t flags);

}  // namespace astrata::linux_abi
