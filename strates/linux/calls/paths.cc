// System calls that open, make, remove and rename things by path, and change where paths begin.

#include <array>

#include "linux_calls/table.h"
#include "strates/linux/calls/arguments.h"
#include "strates/linux/filesystems/overlay/overlay_file_system.h"
#include "strates/linux/process/process.h"

namespace astrata::linux_abi {

// ---- Opening ----

namespace {

LinuxResult<std::uint64_t> open_at(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t flags,
                                   std::uint32_t mode) {
    PathText text;
    auto const name = LTRY(text.read(path));
    StartAt start(task);
    LTRY(start.set(directory, name));
    auto file = LTRY(open_file(start.get(), name, flags, mode));
    return give_descriptor(task, std::move(file), (flags & open_flag::close_on_exec) != 0);
}

}  // namespace

LinuxResult<std::uint64_t> sys_open(Task& task, GuestAddress path, std::uint64_t flags, std::uint32_t mode) {
    return open_at(task, at_current_directory, path, static_cast<std::uint32_t>(flags), mode);
}
LinuxResult<std::uint64_t> sys_openat(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags,
                                      std::uint32_t mode) {
    return open_at(task, directory, path, static_cast<std::uint32_t>(flags), mode);
}
LinuxResult<std::uint64_t> sys_creat(Task& task, GuestAddress path, std::uint32_t mode) {
    return open_at(task, at_current_directory, path, open_flag::create | open_flag::write_only | open_flag::truncate,
                   mode);
}

// A file in memory without a name.
LinuxResult<std::uint64_t> sys_memfd_create(Task& task, GuestAddress name, std::uint64_t flags) {
    constexpr std::uint64_t close_on_exec = 1;  // MFD_CLOEXEC
    constexpr std::uint64_t allow_sealing = 2;  // MFD_ALLOW_SEALING
    constexpr std::uint64_t no_exec_seal = 8;   // MFD_NOEXEC_SEAL
    constexpr std::uint64_t executable = 16;    // MFD_EXEC
    if ((flags & ~(close_on_exec | allow_sealing | no_exec_seal | executable)) != 0)
        return fail(Errno::einval);
    constexpr std::string_view prefix = "memfd:";
    std::array<char, name_limit> text;
    std::ranges::copy(prefix, text.begin());
    auto const length = copy_string_from_guest(std::span(text).subspan(prefix.size(), 249), name);
    if (!length)
        return fail(length.error() == Errno::enametoolong ? Errno::einval : length.error());
    // A file system of its own: it goes with the last descriptor.
    auto file_system = LTRY(OverlayFileSystem::create(nullptr, {.root_mode = 0700}));
    auto const root_inode = file_system->root();
    auto const root = LTRY(Dentry::create(nullptr, {}, 0, root_inode.get()));
    auto const mount = LTRY(Mount::create(*file_system, *root, "memfd", 0));
    RefOrNull<Inode> inode;
    {
        Lock lock(root_inode->mutex());
        inode = LTRY(root_inode->create_unnamed({
            .mode = static_cast<std::uint32_t>(FileType::regular) | 0777,
            .uid = task.credentials().file_uid,
            .gid = task.credentials().file_gid,
        }));
    }
    auto const entry =
        LTRY(tree().remember(*root, std::string_view(text.data(), prefix.size() + *length), 0, inode.get(), false));
    auto file = LTRY(open_place(Path{mount, entry}, open_flag::read_write, task.credentials(), true));
    return give_descriptor(task, std::move(file), (flags & close_on_exec) != 0);
}

// ---- Making ----

namespace {

LinuxResult<std::uint64_t> make_at(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode,
                                   std::uint64_t device) {
    PathText text;
    auto const name = LTRY(text.read(path));
    StartAt start(task);
    LTRY(start.set(directory, name));
    LTRY(make_node(start.get(), name, mode, device));
    return 0;
}

LinuxResult<std::uint64_t> mknod_at(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode,
                                    std::uint64_t device) {
    switch (static_cast<FileType>(mode & file_type_mask)) {
    case FileType::regular:
    case FileType::fifo:
    case FileType::socket:
    case FileType::character_device:
    case FileType::block_device: break;
    case FileType::directory: return fail(Errno::eperm);
    default:
        if ((mode & file_type_mask) != 0)
            return fail(Errno::einval);
        mode |= static_cast<std::uint32_t>(FileType::regular);
    }
    return make_at(task, directory, path, mode & (file_type_mask | mode_bit::all), device);
}

LinuxResult<std::uint64_t> symlink_at(Task& task, GuestAddress target, std::int32_t directory, GuestAddress path) {
    PathText target_text;
    auto const target_name = LTRY(target_text.read(target));
    if (target_name.empty())
        return fail(Errno::enoent);
    PathText text;
    auto const name = LTRY(text.read(path));
    StartAt start(task);
    LTRY(start.set(directory, name));
    LTRY(make_node(start.get(), name, static_cast<std::uint32_t>(FileType::symbolic_link), 0, target_name));
    return 0;
}

LinuxResult<std::uint64_t> link_at(Task& task, std::int32_t from_directory, GuestAddress from,
                                   std::int32_t to_directory, GuestAddress to, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::follow | at_flag::empty_path}) != 0)
        return fail(Errno::einval);
    auto const existing = LTRY(place_at(task, from_directory, from, flags, LastComponent::no_follow));
    PathText text;
    auto const name = LTRY(text.read(to));
    StartAt start(task);
    LTRY(start.set(to_directory, name));
    LTRY(make_hard_link(existing, start.get(), name));
    return 0;
}

LinuxResult<std::uint64_t> remove_at(Task& task, std::int32_t directory, GuestAddress path, bool removes_directory) {
    PathText text;
    auto const name = LTRY(text.read(path));
    StartAt start(task);
    LTRY(start.set(directory, name));
    LTRY(remove_name(start.get(), name, removes_directory));
    return 0;
}

LinuxResult<std::uint64_t> rename_at(Task& task, std::int32_t from_directory, GuestAddress from,
                                     std::int32_t to_directory, GuestAddress to, std::uint64_t flags) {
    PathText from_text;
    PathText to_text;
    auto const from_name = LTRY(from_text.read(from));
    auto const to_name = LTRY(to_text.read(to));
    StartAt from_start(task);
    StartAt to_start(task);
    LTRY(from_start.set(from_directory, from_name));
    LTRY(to_start.set(to_directory, to_name));
    if (flags > 0xffff'ffff)
        return fail(Errno::einval);
    LTRY(rename(from_start.get(), from_name, to_start.get(), to_name, static_cast<std::uint32_t>(flags)));
    return 0;
}

constexpr std::uint32_t directory_mode(std::uint32_t mode) {
    return (mode & (mode_bit::permissions | mode_bit::sticky)) | static_cast<std::uint32_t>(FileType::directory);
}

}  // namespace

LinuxResult<std::uint64_t> sys_mkdir(Task& task, GuestAddress path, std::uint32_t mode) {
    return make_at(task, at_current_directory, path, directory_mode(mode), 0);
}
LinuxResult<std::uint64_t> sys_mkdirat(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode) {
    return make_at(task, directory, path, directory_mode(mode), 0);
}
LinuxResult<std::uint64_t> sys_mknod(Task& task, GuestAddress path, std::uint32_t mode, std::uint64_t device) {
    return mknod_at(task, at_current_directory, path, mode, device);
}
LinuxResult<std::uint64_t> sys_mknodat(Task& task, std::int32_t directory, GuestAddress path, std::uint32_t mode,
                                       std::uint64_t device) {
    return mknod_at(task, directory, path, mode, device);
}
LinuxResult<std::uint64_t> sys_symlink(Task& task, GuestAddress target, GuestAddress path) {
    return symlink_at(task, target, at_current_directory, path);
}
LinuxResult<std::uint64_t> sys_symlinkat(Task& task, GuestAddress target, std::int32_t directory, GuestAddress path) {
    return symlink_at(task, target, directory, path);
}
LinuxResult<std::uint64_t> sys_link(Task& task, GuestAddress from, GuestAddress to) {
    return link_at(task, at_current_directory, from, at_current_directory, to, 0);
}
LinuxResult<std::uint64_t> sys_linkat(Task& task, std::int32_t from_directory, GuestAddress from,
                                      std::int32_t to_directory, GuestAddress to, std::uint64_t flags) {
    return link_at(task, from_directory, from, to_directory, to, flags);
}
LinuxResult<std::uint64_t> sys_unlink(Task& task, GuestAddress path) {
    return remove_at(task, at_current_directory, path, false);
}
LinuxResult<std::uint64_t> sys_rmdir(Task& task, GuestAddress path) {
    return remove_at(task, at_current_directory, path, true);
}
LinuxResult<std::uint64_t> sys_unlinkat(Task& task, std::int32_t directory, GuestAddress path, std::uint64_t flags) {
    if ((flags & ~std::uint64_t{at_flag::remove_directory}) != 0)
        return fail(Errno::einval);
    return remove_at(task, directory, path, flags != 0);
}
LinuxResult<std::uint64_t> sys_rename(Task& task, GuestAddress from, GuestAddress to) {
    return rename_at(task, at_current_directory, from, at_current_directory, to, 0);
}
LinuxResult<std::uint64_t> sys_renameat(Task& task, std::int32_t from_directory, GuestAddress from,
                                        std::int32_t to_directory, GuestAddress to) {
    return rename_at(task, from_directory, from, to_directory, to, 0);
}
LinuxResult<std::uint64_t> sys_renameat2(Task& task, std::int32_t from_directory, GuestAddress from,
                                         std::int32_t to_directory, GuestAddress to, std::uint64_t flags) {
    return rename_at(task, from_directory, from, to_directory, to, flags);
}

// ---- Links ----

namespace {

LinuxResult<std::uint64_t> readlink_at(Task& task, std::int32_t directory, GuestAddress path, GuestAddress buffer,
                                       std::uint64_t size) {
    if (static_cast<std::int32_t>(size) <= 0)
        return fail(Errno::einval);
    auto const place = LTRY(place_at(task, directory, path, at_flag::empty_path, LastComponent::no_follow));
    std::array<char, path_limit> target;
    auto const length = LTRY(read_link(place, std::span(target).first(std::min<std::uint64_t>(size, target.size()))));
    LTRY(copy_to_guest(buffer, as_bytes(std::string_view(target.data(), length))));
    return length;
}

}  // namespace

LinuxResult<std::uint64_t> sys_readlink(Task& task, GuestAddress path, GuestAddress buffer, std::uint64_t size) {
    return readlink_at(task, at_current_directory, path, buffer, size);
}
LinuxResult<std::uint64_t> sys_readlinkat(Task& task, std::int32_t directory, GuestAddress path, GuestAddress buffer,
                                          std::uint64_t size) {
    return readlink_at(task, directory, path, buffer, size);
}

// ---- Where paths begin ----

LinuxResult<std::uint64_t> sys_getcwd(Task& task, GuestAddress buffer, std::uint64_t size) {
    std::array<char, path_limit> text;
    auto const directory = task.fs().working_directory();
    if (directory.inode().is_removed())
        return fail(Errno::enoent);
    auto const path = LTRY(tree().format(directory, task.fs().root(), text));
    if (path.size() + 1 > size)
        return fail(Errno::erange);
    LTRY(copy_to_guest(buffer, as_bytes(path)));
    LTRY(write_guest(buffer + path.size(), '\0'));
    return path.size() + 1;
}

LinuxResult<std::uint64_t> sys_chdir(Task& task, GuestAddress path) {
    auto place = LTRY(place_at(task, at_current_directory, path));
    LTRY(check_enterable(place, task.credentials()));
    task.fs().set_working_directory(std::move(place));
    return 0;
}

LinuxResult<std::uint64_t> sys_fchdir(Task& task, std::int32_t fd) {
    auto const file = LTRY(task.files().get(fd));
    if (file->path() == nullptr)
        return fail(Errno::enotdir);
    LTRY(check_enterable(*file->path(), task.credentials()));
    task.fs().set_working_directory(*file->path());
    return 0;
}

LinuxResult<std::uint64_t> sys_chroot(Task& task, GuestAddress path) {
    auto place = LTRY(place_at(task, at_current_directory, path));
    LTRY(check_enterable(place, task.credentials()));
    if (!task.credentials().has(Capability::sys_chroot))
        return fail(Errno::eperm);
    task.fs().set_root(std::move(place));
    return 0;
}

LinuxResult<std::uint64_t> sys_umask(Task& task, std::uint32_t mask) {
    return task.fs().set_umask(mask);
}

// ---- Sizes by path ----

LinuxResult<std::uint64_t> sys_truncate(Task& task, GuestAddress path, std::int64_t length) {
    if (length < 0)
        return fail(Errno::einval);
    auto const place = LTRY(place_at(task, at_current_directory, path));
    LTRY(truncate(place, static_cast<std::uint64_t>(length), task.credentials()));
    return 0;
}

}  // namespace astrata::linux_abi
