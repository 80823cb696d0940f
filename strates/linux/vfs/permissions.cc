#include "strates/linux/vfs/permissions.h"

namespace astrata::linux_abi {

LinuxResult<> check_access(Inode const& inode, Credentials const& credentials, std::uint32_t wanted) {
    auto const mode = inode.permissions();
    std::uint32_t granted = 0;
    if (credentials.file_uid == inode.uid())
        granted = mode >> 6;
    else if (credentials.is_in_group(inode.gid()))
        granted = mode >> 3;
    else
        granted = mode;
    if ((wanted & ~granted) == 0)
        return {};
    if (credentials.has(Capability::dac_override)) {
        // Even root may execute only what somebody may execute.
        bool const may_execute = inode.is_directory() || (mode & mode_bit::any_execute) != 0;
        if ((wanted & access_bit::execute) == 0 || may_execute)
            return {};
    }
    if (credentials.has(Capability::dac_read_search)) {
        auto const readable = inode.is_directory() ? access_bit::read | access_bit::execute : access_bit::read;
        if ((wanted & ~readable) == 0)
            return {};
    }
    return fail(Errno::eacces);
}

LinuxResult<> check_removal(Inode const& directory, Inode const& victim, Credentials const& credentials) {
    LTRY(check_access(directory, credentials, access_bit::write | access_bit::execute));
    if ((directory.permissions() & mode_bit::sticky) != 0 && credentials.file_uid != directory.uid() &&
        credentials.file_uid != victim.uid() && !credentials.has(Capability::fowner))
        return fail(Errno::eperm);
    return {};
}

}  // namespace astrata::linux_abi
