// User and group ids, capabilities (credentials(7), capabilities(7)).
#include <algorithm>
#include <array>

#include "linux_calls/table.h"
#include "strates/linux/core/credentials.h"
#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint32_t keep = ~std::uint32_t{0};  // -1: leave this id as it is

// securebits: capabilities survive a change away from root's ids (PR_SET_KEEPCAPS), or ids mean nothing.
constexpr std::uint32_t no_set_uid_fixup = 1u << 2;
constexpr std::uint32_t keep_capabilities = 1u << 4;

bool is_any_uid_root(Credentials const& ids) {
    return ids.uid == 0 || ids.effective_uid == 0 || ids.saved_uid == 0;
}

// The rules by which changing user ids changes capabilities.
void adjust_capabilities(Credentials const& old, Credentials& fresh) {
    if ((old.secure_bits & no_set_uid_fixup) != 0)
        return;
    if (is_any_uid_root(old) && !is_any_uid_root(fresh)) {
        if ((old.secure_bits & keep_capabilities) == 0)
            fresh.permitted = fresh.effective = 0;
        fresh.ambient = 0;
    }
    if (old.effective_uid == 0 && fresh.effective_uid != 0)
        fresh.effective = 0;
    if (old.effective_uid != 0 && fresh.effective_uid == 0)
        fresh.effective = fresh.permitted;
}

LinuxResult<std::uint64_t> take_over(Task& task, Ref<Credentials> fresh) {
    auto const& old = task.credentials();
    adjust_capabilities(old, *fresh);
    if (fresh->effective_uid != old.effective_uid || fresh->effective_gid != old.effective_gid) {
        task.process().is_dumpable = false;
        task.parent_death_signal = 0;
    }
    task.process().owner = fresh->uid;
    task.set_credentials(std::move(fresh));
    return 0;
}

// Whether `id` is one of the three that an unprivileged program may choose from.
bool is_own_uid(Credentials const& ids, UserId id) {
    return id == ids.uid || id == ids.effective_uid || id == ids.saved_uid;
}
bool is_own_gid(Credentials const& ids, GroupId id) {
    return id == ids.gid || id == ids.effective_gid || id == ids.saved_gid;
}

}  // namespace

LinuxResult<std::uint64_t> sys_getuid(Task& task) {
    return task.credentials().uid;
}
LinuxResult<std::uint64_t> sys_geteuid(Task& task) {
    return task.credentials().effective_uid;
}
LinuxResult<std::uint64_t> sys_getgid(Task& task) {
    return task.credentials().gid;
}
LinuxResult<std::uint64_t> sys_getegid(Task& task) {
    return task.credentials().effective_gid;
}

LinuxResult<std::uint64_t> sys_setuid(Task& task, std::uint32_t uid) {
    if (uid == keep)
        return fail(Errno::einval);
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    if (old.has(Capability::setuid))
        fresh->uid = fresh->saved_uid = uid;
    else if (uid != old.uid && uid != old.saved_uid)
        return fail(Errno::eperm);
    fresh->effective_uid = fresh->file_uid = uid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_setgid(Task& task, std::uint32_t gid) {
    if (gid == keep)
        return fail(Errno::einval);
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    if (old.has(Capability::setgid))
        fresh->gid = fresh->saved_gid = gid;
    else if (gid != old.gid && gid != old.saved_gid)
        return fail(Errno::eperm);
    fresh->effective_gid = fresh->file_gid = gid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_setreuid(Task& task, std::uint32_t real, std::uint32_t effective) {
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    bool is_privileged = old.has(Capability::setuid);
    if (real != keep) {
        if (!is_privileged && real != old.uid && real != old.effective_uid)
            return fail(Errno::eperm);
        fresh->uid = real;
    }
    if (effective != keep) {
        if (!is_privileged && !is_own_uid(old, effective))
            return fail(Errno::eperm);
        fresh->effective_uid = effective;
    }
    if (real != keep || (effective != keep && effective != old.uid))
        fresh->saved_uid = fresh->effective_uid;
    fresh->file_uid = fresh->effective_uid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_setregid(Task& task, std::uint32_t real, std::uint32_t effective) {
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    bool is_privileged = old.has(Capability::setgid);
    if (real != keep) {
        if (!is_privileged && real != old.gid && real != old.effective_gid)
            return fail(Errno::eperm);
        fresh->gid = real;
    }
    if (effective != keep) {
        if (!is_privileged && !is_own_gid(old, effective))
            return fail(Errno::eperm);
        fresh->effective_gid = effective;
    }
    if (real != keep || (effective != keep && effective != old.gid))
        fresh->saved_gid = fresh->effective_gid;
    fresh->file_gid = fresh->effective_gid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_setresuid(Task& task, std::uint32_t real, std::uint32_t effective, std::uint32_t saved) {
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    for (auto id : {real, effective, saved}) {
        if (id != keep && !old.has(Capability::setuid) && !is_own_uid(old, id))
            return fail(Errno::eperm);
    }
    if (real != keep)
        fresh->uid = real;
    if (effective != keep)
        fresh->effective_uid = effective;
    if (saved != keep)
        fresh->saved_uid = saved;
    fresh->file_uid = fresh->effective_uid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_setresgid(Task& task, std::uint32_t real, std::uint32_t effective, std::uint32_t saved) {
    auto const& old = task.credentials();
    auto fresh = LTRY(old.copy());
    for (auto id : {real, effective, saved}) {
        if (id != keep && !old.has(Capability::setgid) && !is_own_gid(old, id))
            return fail(Errno::eperm);
    }
    if (real != keep)
        fresh->gid = real;
    if (effective != keep)
        fresh->effective_gid = effective;
    if (saved != keep)
        fresh->saved_gid = saved;
    fresh->file_gid = fresh->effective_gid;
    return take_over(task, std::move(fresh));
}

LinuxResult<std::uint64_t> sys_getresuid(Task& task, GuestAddress real, GuestAddress effective, GuestAddress saved) {
    auto const& ids = task.credentials();
    LTRY(write_guest(real, ids.uid));
    LTRY(write_guest(effective, ids.effective_uid));
    LTRY(write_guest(saved, ids.saved_uid));
    return 0;
}

LinuxResult<std::uint64_t> sys_getresgid(Task& task, GuestAddress real, GuestAddress effective, GuestAddress saved) {
    auto const& ids = task.credentials();
    LTRY(write_guest(real, ids.gid));
    LTRY(write_guest(effective, ids.effective_gid));
    LTRY(write_guest(saved, ids.saved_gid));
    return 0;
}

// Both return the former id whether or not they changed it: that is how callers find out.
LinuxResult<std::uint64_t> sys_setfsuid(Task& task, std::uint32_t uid) {
    auto const& old = task.credentials();
    auto former = old.file_uid;
    bool is_allowed = old.has(Capability::setuid) || is_own_uid(old, uid) || uid == old.file_uid;
    if (uid == keep || uid == former || !is_allowed)
        return former;
    auto fresh = old.copy();
    if (fresh.has_value()) {
        (*fresh)->file_uid = uid;
        task.set_credentials(std::move(*fresh));
    }
    return former;
}

LinuxResult<std::uint64_t> sys_setfsgid(Task& task, std::uint32_t gid) {
    auto const& old = task.credentials();
    auto former = old.file_gid;
    bool is_allowed = old.has(Capability::setgid) || is_own_gid(old, gid) || gid == old.file_gid;
    if (gid == keep || gid == former || !is_allowed)
        return former;
    auto fresh = old.copy();
    if (fresh.has_value()) {
        (*fresh)->file_gid = gid;
        task.set_credentials(std::move(*fresh));
    }
    return former;
}

LinuxResult<std::uint64_t> sys_getgroups(Task& task, std::int32_t count, GuestAddress groups) {
    auto own = task.credentials().groups();
    if (count < 0)
        return fail(Errno::einval);
    if (count == 0)
        return own.size();
    if (own.size() > static_cast<std::size_t>(count))
        return fail(Errno::einval);
    LTRY(copy_to_guest(groups, std::as_bytes(own)));
    return own.size();
}

LinuxResult<std::uint64_t> sys_setgroups(Task& task, std::uint64_t count, GuestAddress groups) {
    if (!task.credentials().has(Capability::setgid))
        return fail(Errno::eperm);
    if (count > group_limit)
        return fail(Errno::einval);
    auto fresh = LTRY(task.credentials().copy());
    auto room = LTRY(fresh->resize_groups(count));
    LTRY(copy_from_guest(std::as_writable_bytes(room), groups));
    return take_over(task, std::move(fresh));
}

namespace {

// Version 3 of the capability calls: three sets of 64 bits, each in two words.
struct CapabilityHeader {
    std::uint32_t version = 0;
    std::int32_t pid = 0;
};
struct CapabilityWord {
    std::uint32_t effective = 0, permitted = 0, inheritable = 0;
};
constexpr std::uint32_t version_1 = 0x1998'0330, version_2 = 0x2007'1026, version_3 = 0x2008'0522;

// How many words follow; for an unknown version tells the program which one is known.
LinuxResult<std::size_t> check_version(GuestAddress header, CapabilityHeader& given) {
    given = LTRY(read_guest<CapabilityHeader>(header));
    if (given.version == version_1)
        return 1;
    if (given.version == version_2 || given.version == version_3)
        return 2;
    LTRY(write_guest(header, version_3));
    return fail(Errno::einval);
}

}  // namespace

LinuxResult<std::uint64_t> sys_capget(Task& task, GuestAddress header, GuestAddress data) {
    CapabilityHeader given;
    auto words = check_version(header, given);
    if (!words.has_value())
        return data.is_null() && words.error() == Errno::einval ? LinuxResult<std::uint64_t>(0) : fail(words.error());
    if (given.pid < 0)
        return fail(Errno::einval);
    auto credentials = task.share_credentials();
    if (given.pid != 0) {
        Lock lock(process_table().mutex);
        auto* target = process_table().find_task(static_cast<ProcessId>(given.pid));
        if (target == nullptr)
            return fail(Errno::esrch);
        credentials = target->share_credentials();
    }
    if (data.is_null())
        return 0;
    std::array<CapabilityWord, 2> result;
    for (std::size_t index = 0; index < result.size(); ++index) {
        auto word = [index](std::uint64_t set) { return static_cast<std::uint32_t>(set >> (32 * index)); };
        result[index] = {word(credentials->effective), word(credentials->permitted), word(credentials->inheritable)};
    }
    LTRY(copy_to_guest(data, std::as_bytes(std::span(result).first(*words))));
    return 0;
}

LinuxResult<std::uint64_t> sys_capset(Task& task, GuestAddress header, GuestAddress data) {
    CapabilityHeader given;
    auto words = LTRY(check_version(header, given));
    if (given.pid != 0 && static_cast<ProcessId>(given.pid) != task.id())
        return fail(Errno::eperm);
    std::array<CapabilityWord, 2> wanted;
    LTRY(copy_from_guest(std::as_writable_bytes(std::span(wanted).first(words)), data));
    auto join = [&](std::uint32_t CapabilityWord::* member) {
        return (std::uint64_t{wanted[1].*member} << 32 | wanted[0].*member) & all_capabilities;
    };
    auto effective = join(&CapabilityWord::effective);
    auto permitted = join(&CapabilityWord::permitted);
    auto inheritable = join(&CapabilityWord::inheritable);
    auto const& old = task.credentials();
    bool may_inherit_all = old.has(Capability::setpcap);
    if ((permitted & ~old.permitted) != 0 || (effective & ~permitted) != 0 ||
        (!may_inherit_all && (inheritable & ~(old.inheritable | old.permitted)) != 0) ||
        (inheritable & ~(old.inheritable | old.bounding)) != 0)
        return fail(Errno::eperm);
    auto fresh = LTRY(old.copy());
    fresh->effective = effective;
    fresh->permitted = permitted;
    fresh->inheritable = inheritable;
    fresh->ambient &= permitted & inheritable;
    task.set_credentials(std::move(fresh));
    return 0;
}

}  // namespace astrata::linux_abi
