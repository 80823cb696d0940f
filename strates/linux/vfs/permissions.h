// Who may do what with a file: the classic permission bits and the capabilities that override them (path_resolution(7),
// capabilities(7)).
#pragma once

#include <cstdint>

#include "strates/linux/core/credentials.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/inode.h"

namespace astrata::linux_abi {

/// Whether `credentials` grant all of `wanted` (access_bit) on the inode.
/// errors    eacces
LinuxResult<> check_access(Inode const& inode, Credentials const& credentials, std::uint32_t wanted);

/// check_access(execute) on a directory, which every step of a walk asks.
inline bool may_search(Inode const& directory, Credentials const& credentials) {
    // All three classes may search nearly every directory; then it does not matter who asks.
    if ((directory.permissions() & mode_bit::any_execute) == mode_bit::any_execute)
        return true;
    return check_access(directory, credentials, access_bit::execute).has_value();
}

/// Whether `credentials` act as the file's owner (chmod, utimes).
inline bool is_owner(Inode const& inode, Credentials const& credentials) {
    return credentials.file_uid == inode.uid() || credentials.has(Capability::fowner);
}

/// Whether the entry `victim` may be removed from or renamed in `directory`: write access, and the rule of sticky
/// directories.
/// errors    eacces, eperm
LinuxResult<> check_removal(Inode const& directory, Inode const& victim, Credentials const& credentials);

}  // namespace astrata::linux_abi
