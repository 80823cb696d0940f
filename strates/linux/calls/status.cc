// System calls that report and change what is known about a file: stat and its family, access, modes, owners, times.

#include <algorithm>
#include <array>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/vfs/clock.h"
#include "strates/linux/vfs/permissions.h"

namespace astrata::linux_abi {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

/// A time since 1970 split so that nanoseconds are not negative, also before then.
constexpr TimeSpec to_time_spec(std::int64_t nanoseconds) {
    auto seconds = nanoseconds / second_ns;
    auto rest = nanoseconds % second_ns;
    if (rest < 0) {
        rest += second_ns;
        --seconds;
    }
    return {seconds, rest};
}

LinuxResult<std::uint64_t> write_status(GuestAddress to, Attributes const& attributes) {
    auto const accessed = to_time_spec(attributes.accessed_ns);
    auto const modified = to_time_spec(attributes.modified_ns);
    auto const changed = to_time_spec(attributes.changed_ns);
    // Machines have the members in different orders and sizes.
    using Status = machine::FileStatus;
    Status status;
    status.device = attributes.file_system;
    status.node = attributes.node;
    status.links = static_cast<decltype(Status::links)>(attributes.links);
    status.mode = attributes.mode;
    status.uid = attributes.uid;
    status.gid = attributes.gid;
    status.own_device = attributes.device;
    status.size = static_cast<std::int64_t>(attributes.size);
    status.block_size = static_cast<decltype(Status::block_size)>(attributes.block_size);
    status.blocks = static_cast<std::int64_t>(attributes.blocks_512);
    status.accessed_seconds = accessed.seconds;
    status.accessed_nanoseconds = accessed.nanoseconds;
    status.modified_seconds = modified.seconds;
    status.modified_nanoseconds = modified.nanoseconds;
    status.changed_seconds = changed.seconds;
    status.changed_nanoseconds = changed.nanoseconds;
    LTRY(write_guest(to, status));
    return 0;
}

// Attributes of a (directory, path, flags) argument; with AT_EMPTY_PATH also of files that have no place.
LinuxResult<> read_attributes_at(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags,
                                 Attributes& into) {
    if ((flags & at_flag::empty_path) != 0 && directory != at_current_directory) {
        auto const first = path.is_null() ? LinuxResult<char>('\0') : read_guest<char>(path);
        if (LTRY(std::move(first)) == '\0') {
            auto const file = LTRY(task.files().get(directory));
            return file->read_attributes(into);
        }
    }
    PathText text;
    auto const name = LTRY(text.read(path));
    if (name.empty() && (flags & at_flag::empty_path) != 0)
        return task.fs().working_directory().inode().read_attributes(into);
    StartAt start(task);
    LTRY(start.set(directory, name));
    Walker walker(start.get());
    LTRY(walker.walk(name, (flags & at_flag::no_follow) != 0 ? LastComponent::no_follow : LastComponent::follow));
    return walker.inode().read_attributes(into);
}

}  // namespace

LinuxResult<std::uint64_t> sys_stat(Task& task, GuestAddress path, GuestAddress status) {
    Attributes attributes;
    LTRY(read_attributes_at(task, at_current_directory, path, 0, attributes));
    return write_status(status, attributes);
}
LinuxResult<std::uint64_t> sys_lstat(Task& task, GuestAddress path, GuestAddress status) {
    Attributes attributes;
    LTRY(read_attributes_at(task, at_current_directory, path, at_flag::no_follow, attributes));
    return write_status(status, attributes);
}
LinuxResult<std::uint64_t> sys_fstat(Task& task, std::int32_t fd, GuestAddress status) {
    auto const file = LTRY(task.files().get(fd));
    Attributes attributes;
    LTRY(file->read_attributes(attributes));
    return write_status(status, attributes);
}
LinuxResult<std::uint64_t> sys_newfstatat(Task& task, std::int32_t directory, GuestAddress path, GuestAddress status,
                                          std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::no_follow | at_flag::no_automount | at_flag::empty_path}) != 0)
        return fail(Errno::einval);
    Attributes attributes;
    LTRY(read_attributes_at(task, directory, path, flags, attributes));
    return write_status(status, attributes);
}

// ---- statx ----

namespace {

struct StatxTime {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    std::int32_t reserved = 0;
};
constexpr StatxTime to_statx_time(std::int64_t nanoseconds) {
    auto const time = to_time_spec(nanoseconds);
    return {time.seconds, static_cast<std::uint32_t>(time.nanoseconds)};
}

/// struct statx.
struct FileStatusExtended {
    std::uint32_t mask = 0;
    std::uint32_t block_size = 0;
    std::uint64_t attributes = 0;
    std::uint32_t links = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint16_t mode = 0;
    std::uint16_t padding = 0;
    std::uint64_t node = 0;
    std::uint64_t size = 0;
    std::uint64_t blocks = 0;
    std::uint64_t attributes_mask = 0;
    StatxTime accessed;
    StatxTime created;
    StatxTime changed;
    StatxTime modified;
    std::uint32_t own_device_major = 0;
    std::uint32_t own_device_minor = 0;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::array<std::uint64_t, 14> reserved = {};
};
static_assert(sizeof(FileStatusExtended) == 256);

constexpr std::uint32_t basic_fields = 0x7ff;   // STATX_BASIC_STATS
constexpr std::uint32_t created_field = 0x800;  // STATX_BTIME
constexpr std::uint64_t reserved_mask = 0x8000'0000;

}  // namespace

LinuxResult<std::uint64_t> sys_statx(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags,
                                     std::uint64_t mask, GuestAddress status) {
    constexpr std::uint64_t known =
        at_flag::no_follow | at_flag::no_automount | at_flag::empty_path | at_flag::statx_sync;
    if ((flags & ~known) != 0 || (mask & reserved_mask) != 0)
        return fail(Errno::einval);
    Attributes attributes;
    LTRY(read_attributes_at(task, directory, path, flags, attributes));
    LTRY(write_guest(status, FileStatusExtended{
                                 .mask = basic_fields | created_field,
                                 .block_size = attributes.block_size,
                                 .links = attributes.links,
                                 .uid = attributes.uid,
                                 .gid = attributes.gid,
                                 .mode = static_cast<std::uint16_t>(attributes.mode),
                                 .node = attributes.node,
                                 .size = attributes.size,
                                 .blocks = attributes.blocks_512,
                                 .accessed = to_statx_time(attributes.accessed_ns),
                                 .created = to_statx_time(attributes.created_ns),
                                 .changed = to_statx_time(attributes.changed_ns),
                                 .modified = to_statx_time(attributes.modified_ns),
                                 .own_device_major = device_major(attributes.device),
                                 .own_device_minor = device_minor(attributes.device),
                                 .device_major = device_major(attributes.file_system),
                                 .device_minor = device_minor(attributes.file_system),
                             }));
    return 0;
}

// ---- Access ----

namespace {

LinuxResult<std::uint64_t> access_at(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode,
                                     std::uint64_t flags) {
    constexpr std::uint64_t known = at_flag::effective_access | at_flag::no_follow | at_flag::empty_path;
    if ((mode & ~7u) != 0 || (flags & ~known) != 0)
        return fail(Errno::einval);
    auto const place = LTRY(place_at(task, directory, path, flags & ~std::uint64_t{at_flag::effective_access}));
    auto const& credentials = task.credentials();
    bool const as_effective = (flags & at_flag::effective_access) != 0 ||
                              (credentials.uid == credentials.file_uid && credentials.gid == credentials.file_gid);
    if (as_effective) {
        LTRY(check_access(place.inode(), credentials, mode));
    } else {
        // access(2) asks for the real ids; without a real root no capability counts.
        auto const real = LTRY(credentials.copy());
        real->file_uid = credentials.uid;
        real->file_gid = credentials.gid;
        real->effective = credentials.uid == 0 ? credentials.permitted : 0;
        LTRY(check_access(place.inode(), *real, mode));
    }
    if ((mode & access_bit::write) != 0 && (place.inode().is_regular() || place.inode().is_directory()))
        LTRY(check_writable(*place.mount));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_access(Task& task, GuestAddress path, std::uint32_t mode) {
    return access_at(task, at_current_directory, path, mode, 0);
}
LinuxResult<std::uint64_t> sys_faccessat(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode) {
    return access_at(task, directory, path, mode, 0);
}
LinuxResult<std::uint64_t> sys_faccessat2(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode,
                                          std::uint64_t flags) {
    return access_at(task, directory, path, mode, flags);
}

// ---- Modes and owners ----

LinuxResult<std::uint64_t> sys_chmod(Task& task, GuestAddress path, std::uint32_t mode) {
    auto const place = LTRY(place_at(task, at_current_directory, path));
    LTRY(change_mode(place, mode, task.credentials()));
    return 0;
}
LinuxResult<std::uint64_t> sys_fchmod(Task& task, std::int32_t fd, std::uint32_t mode) {
    auto const place = LTRY(place_of(task, fd));
    LTRY(change_mode(place, mode, task.credentials()));
    return 0;
}
LinuxResult<std::uint64_t> sys_fchmodat(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode) {
    auto const place = LTRY(place_at(task, directory, path));
    LTRY(change_mode(place, mode, task.credentials()));
    return 0;
}

namespace {

LinuxResult<std::uint64_t> chown_at(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t uid,
                                    std::uint32_t gid, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::no_follow | at_flag::empty_path}) != 0)
        return fail(Errno::einval);
    auto const place = LTRY(place_at(task, directory, path, flags));
    LTRY(change_owner(place, uid, gid, task.credentials()));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_chown(Task& task, GuestAddress path, std::uint32_t uid, std::uint32_t gid) {
    return chown_at(task, at_current_directory, path, uid, gid, 0);
}
LinuxResult<std::uint64_t> sys_lchown(Task& task, GuestAddress path, std::uint32_t uid, std::uint32_t gid) {
    return chown_at(task, at_current_directory, path, uid, gid, at_flag::no_follow);
}
LinuxResult<std::uint64_t> sys_fchown(Task& task, std::int32_t fd, std::uint32_t uid, std::uint32_t gid) {
    auto const place = LTRY(place_of(task, fd));
    LTRY(change_owner(place, uid, gid, task.credentials()));
    return 0;
}
LinuxResult<std::uint64_t> sys_fchownat(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t uid,
                                        std::uint32_t gid, std::uint64_t flags) {
    return chown_at(task, directory, path, uid, gid, flags);
}

// ---- Times ----

namespace {

struct TwoTimes {
    TimeChange accessed;
    TimeChange modified;
};

LinuxResult<TimeChange> to_change(TimeSpec time) {
    constexpr std::int64_t now = 0x3fff'ffff;   // UTIME_NOW
    constexpr std::int64_t omit = 0x3fff'fffe;  // UTIME_OMIT
    if (time.nanoseconds == now)
        return TimeChange{.kind = TimeChange::Kind::now};
    if (time.nanoseconds == omit)
        return TimeChange{.kind = TimeChange::Kind::keep};
    if (time.nanoseconds < 0 || time.nanoseconds >= second_ns)
        return fail(Errno::einval);
    // Years beyond what 64 bits of nanoseconds hold (2262) are cut, as file systems do.
    constexpr std::int64_t furthest = INT64_MAX / second_ns - 1;
    auto const seconds = std::clamp(time.seconds, -furthest, furthest);
    return TimeChange{.kind = TimeChange::Kind::set, .value_ns = seconds * second_ns + time.nanoseconds};
}

LinuxResult<TwoTimes> read_specs(GuestAddress times) {
    if (times.is_null())
        return TwoTimes{};
    auto const given = LTRY((read_guest<std::array<TimeSpec, 2>>(times)));
    return TwoTimes{LTRY(to_change(given[0])), LTRY(to_change(given[1]))};
}

LinuxResult<TwoTimes> read_values(GuestAddress times) {
    if (times.is_null())
        return TwoTimes{};
    auto const given = LTRY((read_guest<std::array<TimeValue, 2>>(times)));
    TwoTimes result;
    for (auto const& time : given) {
        if (time.microseconds < 0 || time.microseconds >= 1'000'000)
            return fail(Errno::einval);
    }
    result.accessed = LTRY(to_change({given[0].seconds, given[0].microseconds * 1000}));
    result.modified = LTRY(to_change({given[1].seconds, given[1].microseconds * 1000}));
    return result;
}

LinuxResult<std::uint64_t> set_times(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags,
                                     TwoTimes const& times) {
    auto const place = LTRY(place_at(task, directory, path, flags));
    LTRY(change_times(place, times.accessed, times.modified, task.credentials()));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_utimensat(Task& task, std::int32_t directory, GuestAddress path, GuestAddress times,
                                         std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::no_follow | at_flag::empty_path}) != 0)
        return fail(Errno::einval);
    auto const given = LTRY(read_specs(times));
    if (path.is_null()) {  // futimens
        if (flags != 0)
            return fail(Errno::einval);
        auto const place = LTRY(place_of(task, directory));
        LTRY(change_times(place, given.accessed, given.modified, task.credentials()));
        return 0;
    }
    return set_times(task, directory, path, flags, given);
}
LinuxResult<std::uint64_t> sys_utimes(Task& task, GuestAddress path, GuestAddress times) {
    return set_times(task, at_current_directory, path, 0, LTRY(read_values(times)));
}
LinuxResult<std::uint64_t> sys_futimesat(Task& task, std::int32_t directory, GuestAddress path, GuestAddress times) {
    return set_times(task, directory, path, 0, LTRY(read_values(times)));
}
LinuxResult<std::uint64_t> sys_utime(Task& task, GuestAddress path, GuestAddress times) {
    TwoTimes given;
    if (!times.is_null()) {
        auto const seconds = LTRY((read_guest<std::array<std::int64_t, 2>>(times)));
        given.accessed = LTRY(to_change({seconds[0], 0}));
        given.modified = LTRY(to_change({seconds[1], 0}));
    }
    return set_times(task, at_current_directory, path, 0, given);
}

}  // namespace astrata::linux_abi
