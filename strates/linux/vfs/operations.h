// What system calls do with paths: each operation once, for all its historical spellings (open, openat, creat...).
// Locks: a directory's mutex covers "look up, check, change"; two directories are locked by rename alone, ancestors
// first.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/file/file.h"
#include "strates/linux/vfs/path.h"
#include "strates/linux/vfs/walk.h"

namespace astrata::linux_abi {

/// open(2). mode: of a file that is created; the umask is applied here.
LinuxResult<Ref<File>> open_file(WalkStart const& start, std::string_view path, std::uint32_t flags,
                                 std::uint32_t mode);
/// The rest of open once the place is known: checks and the open file.
LinuxResult<Ref<File>> open_place(Path const& place, std::uint32_t flags, Credentials const& credentials,
                                  bool was_created);
/// For execve: a regular file that may be executed, opened for reading.
/// errors    eacces (not regular, no execute permission, noexec mount), those of a walk
LinuxResult<Ref<File>> open_executable(WalkStart const& start, std::string_view path, std::uint32_t at_flags = 0);
/// The same for a place that is known already (fexecve).
LinuxResult<Ref<File>> open_executable_place(Path const& place, Credentials const& credentials);

/// mkdir, mknod, and through `link_target` symlink. mode: with type bits; the umask is applied except to links.
LinuxResult<> make_node(WalkStart const& start, std::string_view path, std::uint32_t mode, std::uint64_t device,
                        std::string_view link_target = {});
/// link(2): another name for `existing`.
LinuxResult<> make_hard_link(Path const& existing, WalkStart const& start, std::string_view path);
/// unlink and rmdir.
LinuxResult<> remove_name(WalkStart const& start, std::string_view path, bool directory);
LinuxResult<> rename(WalkStart const& old_start, std::string_view old_path, WalkStart const& new_start,
                     std::string_view new_path, std::uint32_t flags);

LinuxResult<std::size_t> read_link(Path const& place, std::span<char> into);
/// errors    erofs
LinuxResult<> check_writable(Mount const& mount);
/// truncate(2) by path, and ftruncate's checks are the file's.
LinuxResult<> truncate(Path const& place, std::uint64_t size, Credentials const& credentials);

/// chmod, chown and utimes with their permission rules. ids of ~0 stay.
LinuxResult<> change_mode(Path const& place, std::uint32_t mode, Credentials const& credentials);
LinuxResult<> change_owner(Path const& place, std::uint32_t uid, std::uint32_t gid, Credentials const& credentials);
/// One of utimensat's two times.
struct TimeChange {
    enum class Kind : std::uint8_t { keep, now, set } kind = Kind::now;
    std::int64_t value_ns = 0;
};
LinuxResult<> change_times(Path const& place, TimeChange accessed, TimeChange modified, Credentials const& credentials);

/// chdir and chroot: the place must be a directory that the caller may search.
LinuxResult<> check_enterable(Path const& place, Credentials const& credentials);

/// Mounts `file_system` at `place`, or as the root of the tree if null.
LinuxResult<Ref<Mount>> mount_file_system(FileSystem& file_system, Path const* place, std::string_view source,
                                          std::uint64_t flags);

}  // namespace astrata::linux_abi
