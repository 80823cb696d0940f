// mount, umount2 and statfs.

#include <array>
#include <string_view>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/filesystems/proc/proc_file_system.h"
#include "strates/linux/filesystems/pts/pts_file_system.h"
#include "strates/linux/filesystems/standard.h"
#include "strates/linux/filesystems/sys/sys_tree.h"

namespace astrata::linux_abi {

namespace {

/// A file system of a type that needs no device.
/// errors    enodev (no such type)
LinuxResult<Ref<FileSystem>> make_file_system(std::string_view type) {
    if (type == "tmpfs" || type == "ramfs")
        return Ref<FileSystem>(LTRY(OverlayFileSystem::create(nullptr, {})));
    if (type == "proc")
        return Ref<FileSystem>(LTRY(ProcFileSystem::create()));
    if (type == "sysfs")
        return Ref<FileSystem>(LTRY(StaticFileSystem::create("sysfs", sysfs_magic, sys_tree())));
    if (type == "devpts")
        return Ref<FileSystem>(LTRY(PtsFileSystem::create()));
    if (type == "devtmpfs")
        return Ref<FileSystem>(LTRY(create_device_file_system()));
    return fail(Errno::enodev);
}

/// A short text argument that may be absent.
class OptionalText {
public:
    LinuxResult<std::string_view> read(GuestAddress address) {
        if (address.is_null())
            return std::string_view();
        auto const length = LTRY(copy_string_from_guest(text_, address));
        return std::string_view(text_.data(), length);
    }

private:
    std::array<char, 256> text_;
};

LinuxResult<> bind_place(Task& task, GuestAddress source, Path const& target, std::uint64_t flags) {
    auto const from = LTRY(place_at(task, at_current_directory, source));
    if (from.inode().is_directory() != target.inode().is_directory())
        return fail(Errno::enotdir);
    auto const mount = LTRY(Mount::create(from.mount->file_system(), *from.dentry, from.mount->source(),
                                          (from.mount->flags() | flags) & mount_flag::kept));
    return tree().attach(*mount, &target);
}

}  // namespace

LinuxResult<std::uint64_t> sys_mount(Task& task, GuestAddress source, GuestAddress target, GuestAddress type,
                                     std::uint64_t flags, GuestAddress) {
    if (!task.credentials().has(Capability::sys_admin))
        return fail(Errno::eperm);
    auto const place = LTRY(place_at(task, at_current_directory, target));
    if ((flags & mount_flag::remount) != 0) {
        if (place.dentry.get() != &place.mount->root())
            return fail(Errno::einval);
        place.mount->set_flags(flags & mount_flag::kept);
        return 0;
    }
    // There is one mount namespace: nothing propagates anywhere.
    if ((flags & mount_flag::propagation) != 0)
        return 0;
    if ((flags & mount_flag::move) != 0)
        return fail(Errno::einval);
    if ((flags & mount_flag::bind) != 0) {
        LTRY(bind_place(task, source, place, flags));
        return 0;
    }
    if (!place.inode().is_directory())
        return fail(Errno::enotdir);
    OptionalText type_text;
    OptionalText source_text;
    auto const type_name = LTRY(type_text.read(type));
    auto const source_name = LTRY(source_text.read(source));
    auto const file_system = LTRY(make_file_system(type_name));
    LTRY(mount_file_system(*file_system, &place, source_name.empty() ? type_name : source_name, flags));
    return 0;
}

LinuxResult<std::uint64_t> sys_umount2(Task& task, GuestAddress target, std::uint64_t flags) {
    constexpr std::uint64_t force = 1;      // MNT_FORCE
    constexpr std::uint64_t detach = 2;     // MNT_DETACH
    constexpr std::uint64_t no_follow = 8;  // UMOUNT_NOFOLLOW
    if ((flags & ~(force | detach | no_follow)) != 0)
        return fail(Errno::einval);
    if (!task.credentials().has(Capability::sys_admin))
        return fail(Errno::eperm);
    auto const place =
        LTRY(place_at(task, at_current_directory, target, (flags & no_follow) != 0 ? at_flag::no_follow : 0));
    tree().drop_unused_entries(place.mount->file_system());
    LTRY(tree().detach(place, (flags & detach) != 0));
    return 0;
}

namespace {

/// struct statfs of 64-bit machines.
struct FileSystemStatus {
    std::int64_t magic = 0;
    std::int64_t block_size = 0;
    std::uint64_t blocks = 0;
    std::uint64_t blocks_free = 0;
    std::uint64_t blocks_available = 0;
    std::uint64_t nodes = 0;
    std::uint64_t nodes_free = 0;
    std::array<std::int32_t, 2> id = {};
    std::int64_t name_limit = 0;
    std::int64_t fragment_size = 0;
    std::int64_t flags = 0;
    std::array<std::int64_t, 4> reserved = {};
};
static_assert(sizeof(FileSystemStatus) == 120);

LinuxResult<std::uint64_t> write_statistics(Mount const& mount, GuestAddress to) {
    constexpr std::uint64_t valid = 0x20;  // ST_VALID
    auto const statistics = LTRY(mount.file_system().statistics());
    auto const device = mount.file_system().device();
    // The low mount flags are also those of statfs.
    auto const flags = valid | (mount.flags() & 0xf) | (mount.is_read_only() ? 1 : 0) |
                       ((mount.flags() & mount_flag::no_access_times) != 0 ? 0x400u : 0x1000u);
    LTRY(write_guest(to, FileSystemStatus{
                             .magic = static_cast<std::int64_t>(statistics.magic),
                             .block_size = static_cast<std::int64_t>(statistics.block_size),
                             .blocks = statistics.blocks,
                             .blocks_free = statistics.blocks_free,
                             .blocks_available = statistics.blocks_available,
                             .nodes = statistics.nodes,
                             .nodes_free = statistics.nodes_free,
                             .id = {static_cast<std::int32_t>(device), 0},
                             .name_limit = static_cast<std::int64_t>(statistics.name_limit),
                             .fragment_size = static_cast<std::int64_t>(statistics.block_size),
                             .flags = static_cast<std::int64_t>(flags),
                         }));
    return 0;
}

}  // namespace

LinuxResult<std::uint64_t> sys_statfs(Task& task, GuestAddress path, GuestAddress status) {
    auto const place = LTRY(place_at(task, at_current_directory, path));
    return write_statistics(*place.mount, status);
}

LinuxResult<std::uint64_t> sys_fstatfs(Task& task, std::int32_t fd, GuestAddress status) {
    auto const file = LTRY(task.files().get(fd));
    if (file->path() == nullptr) {
        constexpr std::int64_t pipe_magic = 0x50495045;  // PIPEFS_MAGIC
        LTRY(write_guest(status, FileSystemStatus{.magic = pipe_magic, .block_size = 4096, .name_limit = 255}));
        return 0;
    }
    return write_statistics(*file->path()->mount, status);
}

}  // namespace astrata::linux_abi
