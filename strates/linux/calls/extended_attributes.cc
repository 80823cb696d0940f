// Extended attributes: those that the lower file system has can be read (xattr(7)); none can be set.

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"

namespace astrata::linux_abi {

namespace {

constexpr std::size_t value_limit = 4096;

LinuxResult<std::uint64_t> get(Inode& inode, GuestAddress name, GuestAddress value, std::uint64_t size) {
    std::array<char, name_limit + 1> text;
    auto const length = copy_string_from_guest(text, name);
    if (!length)
        return fail(length.error() == Errno::enametoolong ? Errno::erange : length.error());
    std::array<std::byte, value_limit> buffer;
    auto const room = MutableBytes(buffer).first(std::min<std::uint64_t>(size, buffer.size()));
    auto const got = LTRY(inode.get_extended_attribute(std::string_view(text.data(), *length), room));
    if (size != 0)
        LTRY(copy_to_guest(value, Bytes(buffer).first(got)));
    return got;
}

LinuxResult<std::uint64_t> list(Inode& inode, GuestAddress names, std::uint64_t size) {
    std::array<std::byte, value_limit> buffer;
    auto const room = MutableBytes(buffer).first(std::min<std::uint64_t>(size, buffer.size()));
    auto const got = LTRY(inode.list_extended_attributes(room));
    if (size != 0)
        LTRY(copy_to_guest(names, Bytes(buffer).first(got)));
    return got;
}

}  // namespace

LinuxResult<std::uint64_t> sys_getxattr(Task& task, GuestAddress path, GuestAddress name, GuestAddress value,
                                        std::uint64_t size) {
    return get(LTRY(place_at(task, at_current_directory, path)).inode(), name, value, size);
}
LinuxResult<std::uint64_t> sys_lgetxattr(Task& task, GuestAddress path, GuestAddress name, GuestAddress value,
                                         std::uint64_t size) {
    return get(LTRY(place_at(task, at_current_directory, path, at_flag::no_follow)).inode(), name, value, size);
}
LinuxResult<std::uint64_t> sys_fgetxattr(Task& task, std::int32_t fd, GuestAddress name, GuestAddress value,
                                         std::uint64_t size) {
    return get(LTRY(place_of(task, fd)).inode(), name, value, size);
}
LinuxResult<std::uint64_t> sys_listxattr(Task& task, GuestAddress path, GuestAddress names, std::uint64_t size) {
    return list(LTRY(place_at(task, at_current_directory, path)).inode(), names, size);
}
LinuxResult<std::uint64_t> sys_llistxattr(Task& task, GuestAddress path, GuestAddress names, std::uint64_t size) {
    return list(LTRY(place_at(task, at_current_directory, path, at_flag::no_follow)).inode(), names, size);
}
LinuxResult<std::uint64_t> sys_flistxattr(Task& task, std::int32_t fd, GuestAddress names, std::uint64_t size) {
    return list(LTRY(place_of(task, fd)).inode(), names, size);
}

LinuxResult<std::uint64_t> sys_setxattr(Task& task, GuestAddress path, GuestAddress, GuestAddress, std::uint64_t,
                                        std::uint64_t) {
    LTRY(place_at(task, at_current_directory, path));
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::uint64_t> sys_lsetxattr(Task& task, GuestAddress path, GuestAddress, GuestAddress, std::uint64_t,
                                         std::uint64_t) {
    LTRY(place_at(task, at_current_directory, path, at_flag::no_follow));
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::uint64_t> sys_fsetxattr(Task& task, std::int32_t fd, GuestAddress, GuestAddress, std::uint64_t,
                                         std::uint64_t) {
    LTRY(place_of(task, fd));
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::uint64_t> sys_removexattr(Task& task, GuestAddress path, GuestAddress) {
    LTRY(place_at(task, at_current_directory, path));
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::uint64_t> sys_lremovexattr(Task& task, GuestAddress path, GuestAddress) {
    LTRY(place_at(task, at_current_directory, path, at_flag::no_follow));
    return fail(Errno::eopnotsupp);
}
LinuxResult<std::uint64_t> sys_fremovexattr(Task& task, std::int32_t fd, GuestAddress) {
    LTRY(place_of(task, fd));
    return fail(Errno::eopnotsupp);
}

}  // namespace astrata::linux_abi
