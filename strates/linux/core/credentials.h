// Who a task acts as: user and group ids, supplementary groups, capabilities (credentials(7), capabilities(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

using UserId = std::uint32_t;
using GroupId = std::uint32_t;

/// Bits of Linux's capability sets that the personality asks for (linux/capability.h).
enum class Capability : std::uint8_t {
    chown = 0,
    dac_override = 1,
    dac_read_search = 2,
    fowner = 3,
    fsetid = 4,
    kill = 5,
    setgid = 6,
    setuid = 7,
    setpcap = 8,
    sys_chroot = 18,
    sys_ptrace = 19,
    sys_admin = 21,
    sys_boot = 22,
    sys_nice = 23,
    sys_resource = 24,
    sys_time = 25,
    sys_tty_config = 26,
    mknod = 27,
    syslog = 34,
};
inline constexpr std::uint32_t last_capability = 40;
inline constexpr std::uint64_t all_capabilities = (std::uint64_t{1} << (last_capability + 1)) - 1;
/// NGROUPS_MAX.
inline constexpr std::size_t group_limit = 65536;

/// Never changed once a task has it: a change makes a new one (copy, edit, `Task::set_credentials`).
class Credentials : public RefCounted<Credentials> {
public:
    static void destroy(Credentials* credentials) { delete credentials; }
    /// All ids 0, all capabilities.
    static LinuxResult<Ref<Credentials>> create_root();
    [[nodiscard]] LinuxResult<Ref<Credentials>> copy() const;

    UserId uid = 0, effective_uid = 0, saved_uid = 0, file_uid = 0;
    GroupId gid = 0, effective_gid = 0, saved_gid = 0, file_gid = 0;
    std::uint64_t permitted = all_capabilities, effective = all_capabilities, inheritable = 0, ambient = 0;
    std::uint64_t bounding = all_capabilities;
    std::uint32_t secure_bits = 0;

    [[nodiscard]] bool has(Capability capability) const {
        return (effective >> static_cast<unsigned>(capability) & 1) != 0;
    }
    /// Whether `group` is the file-system group or a supplementary one.
    [[nodiscard]] bool is_in_group(GroupId group) const;
    [[nodiscard]] std::span<GroupId const> groups() const;
    /// errors    enomem, einval (more than group_limit)
    [[nodiscard]] LinuxResult<> set_groups(std::span<GroupId const> groups);
    /// Room for `count` groups, to be filled in.
    [[nodiscard]] LinuxResult<std::span<GroupId>> resize_groups(std::size_t count);

private:
    std::unique_ptr<GroupId[]> groups_;
    std::size_t group_count_ = 0;
};

}  // namespace astrata::linux_abi
