#include "strates/linux/vfs/operations.h"

#include <algorithm>

#include "strates/linux/file/special.h"
#include "strates/linux/vfs/clock.h"
#include "strates/linux/vfs/permissions.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint32_t wants_write(std::uint32_t flags) {
    auto const access = flags & open_flag::access_mode;
    return access != open_flag::read_only || (flags & open_flag::truncate) != 0 ? 1 : 0;
}

// Owner, group and mode of a file new in `directory` (a set-group-id directory passes its group on, inode(7)).
NewNode new_node_in(Inode const& directory, std::uint32_t mode, std::uint64_t device, WalkStart const& start) {
    NewNode node{.mode = mode, .uid = start.credentials.file_uid, .gid = start.credentials.file_gid, .device = device};
    auto const type = static_cast<FileType>(mode & file_type_mask);
    if (type != FileType::symbolic_link)
        node.mode &= ~start.context.umask();
    else
        node.mode |= 0777;
    if ((directory.permissions() & mode_bit::set_group_id) != 0) {
        node.gid = directory.gid();
        if (type == FileType::directory)
            node.mode |= mode_bit::set_group_id;
    }
    return node;
}

// Creates the last name of a path in a directory whose mutex the caller holds and where it has found the name absent.
LinuxResult<Ref<Dentry>> create_locked(ParentOfLast const& place, Inode& parent, NewNode const& node,
                                       Credentials const& credentials) REQUIRES(parent.mutex()) {
    if (parent.is_removed())
        return fail(Errno::enoent);
    LTRY(check_access(parent, credentials, access_bit::write | access_bit::execute));
    LTRY(check_writable(*place.directory.mount));
    auto inode = LTRY(parent.create(place.name, node));
    return tree().remember(*place.directory.dentry, place.name, place.name_hash, inode.get());
}

// open(O_CREAT) once the parent is known; follows a symbolic link found there by asking for another round.
struct CreateOutcome {
    RefOrNull<File> file;
    RefOrNull<Dentry> link;  // go on from here instead
};

LinuxResult<CreateOutcome> open_or_create(WalkStart const& start, ParentOfLast const& parent, std::uint32_t flags,
                                          std::uint32_t mode) {
    if (parent.name.empty() || parent.has_trailing_slash)
        return fail(Errno::eisdir);
    RefOrNull<Dentry> entry;
    bool created = false;
    {
        auto& directory = parent.directory.inode();
        Lock lock(directory.mutex());
        entry = LTRY(find_child(*parent.directory.dentry, directory, parent.name, parent.name_hash));
        if (!entry) {
            auto const node = new_node_in(
                directory, (mode & mode_bit::all) | static_cast<std::uint32_t>(FileType::regular), 0, start);
            entry = LTRY(create_locked(parent, directory, node, start.credentials));
            created = true;
        }
    }
    if (!created && (flags & open_flag::exclusive) != 0)
        return fail(Errno::eexist);
    auto place = topmost(Path{parent.directory.mount, Ref<Dentry>::adopt(*entry.leak())});
    if (place.inode().is_symbolic_link()) {
        if ((flags & open_flag::no_follow) != 0)
            return fail(Errno::eloop);
        return CreateOutcome{.link = place.dentry};
    }
    return CreateOutcome{.file = LTRY(open_place(place, flags, start.credentials, created))};
}

LinuxResult<Ref<File>> open_temporary(WalkStart const& start, std::string_view path, std::uint32_t flags,
                                      std::uint32_t mode) {
    if (wants_write(flags) == 0)
        return fail(Errno::einval);
    Walker walker(start);
    auto const place = LTRY(walker.resolve(path, LastComponent::follow));
    auto& directory = place.inode();
    if (!directory.is_directory())
        return fail(Errno::enotdir);
    LTRY(check_writable(*place.mount));
    LTRY(check_access(directory, start.credentials, access_bit::write | access_bit::execute));
    auto node =
        new_node_in(directory, (mode & mode_bit::all) | static_cast<std::uint32_t>(FileType::regular), 0, start);
    RefOrNull<Inode> inode;
    {
        Lock lock(directory.mutex());
        inode = LTRY(directory.create_unnamed(node));
    }
    auto entry = LTRY(tree().remember(*place.dentry, "#", NameHash::of("#"), inode.get(), false));
    return open_place(Path{place.mount, std::move(entry)}, flags & ~(open_flag::temporary | open_flag::directory),
                      start.credentials, true);
}

}  // namespace

LinuxResult<> check_writable(Mount const& mount) {
    if (mount.is_read_only())
        return fail(Errno::erofs);
    return {};
}

LinuxResult<Ref<File>> open_file(WalkStart const& start, std::string_view path, std::uint32_t flags,
                                 std::uint32_t mode) {
    if ((flags & open_flag::path_only) != 0)
        flags &= open_flag::path_only | open_flag::directory | open_flag::no_follow | open_flag::close_on_exec;
    if ((flags & open_flag::temporary) != 0)
        return open_temporary(start, path, flags, mode);
    auto const last = (flags & open_flag::no_follow) != 0 ? LastComponent::no_follow : LastComponent::follow;
    if ((flags & open_flag::create) == 0) {
        Walker walker(start);
        auto const place = LTRY(walker.resolve(path, last));
        return open_place(place, flags, start.credentials, false);
    }
    if ((flags & open_flag::directory) != 0)
        return fail(Errno::einval);
    // Most often the file exists; and only a whole walk follows links of every kind.
    if ((flags & open_flag::exclusive) == 0) {
        Walker walker(start);
        auto const place = walker.resolve(path, last);
        if (place)
            return open_place(*place, flags, start.credentials, false);
        if (place.error() != Errno::enoent)
            return fail(place.error());
    }
    Walker walker(start);
    auto parent = LTRY(walker.resolve_parent(path));
    for (;;) {  // ends: the walker counts links
        auto outcome = LTRY(open_or_create(start, parent, flags, mode));
        if (outcome.file)
            return Ref<File>::adopt(*outcome.file.leak());
        auto const link = Path{parent.directory.mount, Ref<Dentry>::adopt(*outcome.link.leak())};
        parent = LTRY(walker.resolve_parent_through_link(parent, link));
    }
}

LinuxResult<Ref<File>> open_place(Path const& place, std::uint32_t flags, Credentials const& credentials,
                                  bool was_created) {
    auto& inode = place.inode();
    auto const type = inode.type();
    if ((flags & open_flag::directory) != 0 && type != FileType::directory)
        return fail(Errno::enotdir);
    if ((flags & open_flag::path_only) != 0)
        return open_path_only(place, flags);
    auto const access = flags & open_flag::access_mode;
    switch (type) {
    case FileType::symbolic_link: return fail(Errno::eloop);
    case FileType::directory:
        if (wants_write(flags) != 0 || (flags & open_flag::create) != 0)
            return fail(Errno::eisdir);
        break;
    case FileType::character_device:
    case FileType::block_device:
        if ((place.mount->flags() & mount_flag::no_devices) != 0)
            return fail(Errno::eacces);
        break;
    case FileType::regular:
        if (wants_write(flags) != 0)
            LTRY(check_writable(*place.mount));
        break;
    case FileType::fifo:
    case FileType::socket: break;
    }
    if (!was_created) {
        auto wanted = access == open_flag::read_only    ? access_bit::read
                      : access == open_flag::write_only ? access_bit::write
                                                        : access_bit::read | access_bit::write;
        if ((flags & open_flag::truncate) != 0)
            wanted |= access_bit::write;
        LTRY(check_access(inode, credentials, wanted));
    }
    if ((flags & open_flag::no_access_time) != 0 && !is_owner(inode, credentials))
        return fail(Errno::eperm);
    auto file = LTRY(inode.open(place, flags));
    if ((flags & open_flag::truncate) != 0 && type == FileType::regular && !was_created)
        LTRY(inode.truncate(0));
    return file;
}

LinuxResult<Ref<File>> open_executable(WalkStart const& start, std::string_view path, std::uint32_t at_flags) {
    Walker walker(start);
    auto const place = LTRY(
        walker.resolve(path, (at_flags & at_flag::no_follow) != 0 ? LastComponent::no_follow : LastComponent::follow));
    return open_executable_place(place, start.credentials);
}

LinuxResult<Ref<File>> open_executable_place(Path const& place, Credentials const& credentials) {
    auto& inode = place.inode();
    if (inode.is_symbolic_link())
        return fail(Errno::eloop);
    if (!inode.is_regular() || (place.mount->flags() & mount_flag::no_execution) != 0)
        return fail(Errno::eacces);
    LTRY(check_access(inode, credentials, access_bit::execute));
    return inode.open(place, open_flag::read_only);
}

LinuxResult<> make_node(WalkStart const& start, std::string_view path, std::uint32_t mode, std::uint64_t device,
                        std::string_view link_target) {
    auto const type = static_cast<FileType>(mode & file_type_mask);
    Walker walker(start);
    auto const parent = LTRY(walker.resolve_parent(path));
    if (parent.name.empty())
        return fail(Errno::eexist);
    auto& directory = parent.directory.inode();
    Lock lock(directory.mutex());
    if (LTRY(find_child(*parent.directory.dentry, directory, parent.name, parent.name_hash)))
        return fail(Errno::eexist);
    // "new/" may name a directory to be, and nothing else.
    if (parent.has_trailing_slash && type != FileType::directory)
        return fail(Errno::enoent);
    if ((type == FileType::character_device || type == FileType::block_device) &&
        !start.credentials.has(Capability::mknod))
        return fail(Errno::eperm);
    auto node = new_node_in(directory, mode, device, start);
    node.link_target = link_target;
    LTRY(create_locked(parent, directory, node, start.credentials));
    return {};
}

LinuxResult<> make_hard_link(Path const& existing, WalkStart const& start, std::string_view path) {
    auto& inode = existing.inode();
    if (inode.is_directory())
        return fail(Errno::eperm);
    Walker walker(start);
    auto const parent = LTRY(walker.resolve_parent(path));
    if (parent.name.empty())
        return fail(Errno::eexist);
    auto& directory = parent.directory.inode();
    Lock lock(directory.mutex());
    if (LTRY(find_child(*parent.directory.dentry, directory, parent.name, parent.name_hash)))
        return fail(Errno::eexist);
    if (parent.has_trailing_slash)
        return fail(Errno::enoent);
    if (&inode.file_system() != &directory.file_system())
        return fail(Errno::exdev);
    if (directory.is_removed())
        return fail(Errno::enoent);
    LTRY(check_access(directory, start.credentials, access_bit::write | access_bit::execute));
    LTRY(check_writable(*parent.directory.mount));
    LTRY(directory.link(parent.name, inode));
    LTRY(tree().remember(*parent.directory.dentry, parent.name, parent.name_hash, &inode));
    return {};
}

namespace {

// The victim's mutex is held too, after its parent's, if it is a directory: nothing may be created in it any more.
LinuxResult<> remove_locked(ParentOfLast const& parent, Inode& parent_inode, Dentry& entry,
                            Credentials const& credentials, bool directory) REQUIRES(parent_inode.mutex()) {
    auto& inode = *entry.inode();
    if (directory && !inode.is_directory())
        return fail(Errno::enotdir);
    if (!directory && inode.is_directory())
        return fail(Errno::eisdir);
    if (!directory && parent.has_trailing_slash)
        return fail(Errno::enotdir);
    LTRY(check_removal(parent_inode, inode, credentials));
    LTRY(check_writable(*parent.directory.mount));
    if (tree().is_mount_point(entry))
        return fail(Errno::ebusy);
    if (directory) {
        Lock lock(inode.mutex());
        LTRY(parent_inode.remove(parent.name, inode));
        inode.mark_removed();
    } else {
        LTRY(parent_inode.remove(parent.name, inode));
    }
    tree().forget(entry);
    return {};
}

}  // namespace

LinuxResult<> remove_name(WalkStart const& start, std::string_view path, bool directory) {
    Walker walker(start);
    auto const parent = LTRY(walker.resolve_parent(path));
    if (parent.name.empty()) {
        if (!directory)
            return fail(Errno::eisdir);
        return fail(parent.is_dot ? Errno::einval : parent.is_dot_dot ? Errno::enotempty : Errno::ebusy);
    }
    auto& above = parent.directory.inode();
    Lock lock(above.mutex());
    auto const entry = LTRY(find_child(*parent.directory.dentry, above, parent.name, parent.name_hash));
    if (!entry)
        return fail(Errno::enoent);
    return remove_locked(parent, above, *entry, start.credentials, directory);
}

namespace {

constinit Mutex rename_mutex;  // one rename at a time, so that "is an ancestor of" stays true meanwhile

// Locks one or two directories, ancestors first, else by address.
class DirectoryPairLock {
public:
    DirectoryPairLock(Dentry& first, Dentry& second) NO_THREAD_SAFETY_ANALYSIS  // the pair may be one
        : one_(first.inode()),
          other_(second.inode()) {
        if (one_ == other_) {
            other_ = nullptr;
        } else {
            bool const other_is_above = tree().is_below(first, second);
            bool const one_is_above = tree().is_below(second, first);
            if (other_is_above || (!one_is_above && other_ < one_))
                std::swap(one_, other_);
        }
        one_->mutex().lock();
        if (other_ != nullptr)
            other_->mutex().lock();
    }
    ~DirectoryPairLock() NO_THREAD_SAFETY_ANALYSIS {
        if (other_ != nullptr)
            other_->mutex().unlock();
        one_->mutex().unlock();
    }
    DirectoryPairLock(DirectoryPairLock const&) = delete;

private:
    Inode* one_;
    Inode* other_;
};

// With both directories locked (DirectoryPairLock is beyond the analysis).
LinuxResult<> rename_locked(ParentOfLast const& from, ParentOfLast const& to, Credentials const& credentials,
                            std::uint32_t flags) NO_THREAD_SAFETY_ANALYSIS {
    auto& old_directory = *from.directory.dentry;
    auto& new_directory = *to.directory.dentry;
    auto& old_inode = *old_directory.inode();
    auto& new_inode = *new_directory.inode();
    auto const moved = LTRY(look_up_child(old_directory, old_inode, from.name));
    if (moved->is_negative())
        return fail(Errno::enoent);
    auto const target = LTRY(look_up_child(new_directory, new_inode, to.name));
    auto& node = *moved->inode();
    auto* replaced = target->inode();
    if (replaced == &node && (flags & rename_flag::exchange) == 0)
        return (flags & rename_flag::no_replace) != 0 ? LinuxResult<>(fail(Errno::eexist)) : LinuxResult<>();
    if (replaced != nullptr && (flags & rename_flag::no_replace) != 0)
        return fail(Errno::eexist);
    if (replaced == nullptr && (flags & rename_flag::exchange) != 0)
        return fail(Errno::enoent);
    if (!node.is_directory() && (from.has_trailing_slash || (to.has_trailing_slash && replaced == nullptr)))
        return fail(Errno::enotdir);
    if (node.is_directory() && tree().is_below(new_directory, *moved))
        return fail(Errno::einval);
    bool const exchange = (flags & rename_flag::exchange) != 0;
    if (replaced != nullptr && replaced->is_directory() && tree().is_below(old_directory, *target))
        return fail(exchange ? Errno::einval : Errno::enotempty);
    LTRY(check_removal(old_inode, node, credentials));
    if (replaced != nullptr)
        LTRY(check_removal(new_inode, *replaced, credentials));
    else
        LTRY(check_access(new_inode, credentials, access_bit::write | access_bit::execute));
    LTRY(check_writable(*from.directory.mount));
    if (new_inode.is_removed())
        return fail(Errno::enoent);
    if (tree().is_mount_point(*moved) || tree().is_mount_point(*target))
        return fail(Errno::ebusy);
    auto long_name = LTRY(DentryCache::prepare_name(to.name));
    if (exchange) {
        auto other_long_name = LTRY(DentryCache::prepare_name(from.name));
        LTRY(old_inode.exchange(from.name, node, new_inode, to.name, *replaced));
        tree().exchanged(*moved, *target, std::move(long_name), std::move(other_long_name));
        return {};
    }
    if (replaced != nullptr) {
        if (node.is_directory() && !replaced->is_directory())
            return fail(Errno::enotdir);
        if (!node.is_directory() && replaced->is_directory())
            return fail(Errno::eisdir);
    }
    if (replaced != nullptr && replaced->is_directory()) {
        Lock lock(replaced->mutex());
        LTRY(old_inode.rename(from.name, node, new_inode, to.name, replaced));
        replaced->mark_removed();
    } else {
        LTRY(old_inode.rename(from.name, node, new_inode, to.name, replaced));
    }
    tree().moved(*moved, new_directory, to.name, std::move(long_name), target.get());
    return {};
}

}  // namespace

LinuxResult<> rename(WalkStart const& old_start, std::string_view old_path, WalkStart const& new_start,
                     std::string_view new_path, std::uint32_t flags) {
    if ((flags & ~(rename_flag::no_replace | rename_flag::exchange)) != 0 ||
        flags == (rename_flag::no_replace | rename_flag::exchange))
        return fail(Errno::einval);
    Walker old_walker(old_start);
    Walker new_walker(new_start);
    auto const from = LTRY(old_walker.resolve_parent(old_path));
    auto const to = LTRY(new_walker.resolve_parent(new_path));
    if (from.directory.mount != to.directory.mount)
        return fail(Errno::exdev);
    if (from.name.empty() || to.name.empty())
        return fail(Errno::ebusy);
    Lock rename_lock(rename_mutex);
    DirectoryPairLock const directories(*from.directory.dentry, *to.directory.dentry);
    return rename_locked(from, to, old_start.credentials, flags);
}

LinuxResult<std::size_t> read_link(Path const& place, std::span<char> into) {
    auto& inode = place.inode();
    if (!inode.is_symbolic_link())
        return fail(Errno::einval);
    auto const target = inode.cached_link_target();
    if (target.empty())
        return inode.read_link(into);
    auto const length = std::min(target.size(), into.size());
    std::ranges::copy(target.substr(0, length), into.begin());
    return length;
}

LinuxResult<> truncate(Path const& place, std::uint64_t size, Credentials const& credentials) {
    auto& inode = place.inode();
    if (inode.is_directory())
        return fail(Errno::eisdir);
    if (!inode.is_regular())
        return fail(Errno::einval);
    LTRY(check_access(inode, credentials, access_bit::write));
    LTRY(check_writable(*place.mount));
    return inode.truncate(size);
}

LinuxResult<> change_mode(Path const& place, std::uint32_t mode, Credentials const& credentials) {
    auto& inode = place.inode();
    LTRY(check_writable(*place.mount));
    if (!is_owner(inode, credentials))
        return fail(Errno::eperm);
    if ((mode & mode_bit::set_group_id) != 0 && !credentials.is_in_group(inode.gid()) &&
        !credentials.has(Capability::fsetid))
        mode &= ~mode_bit::set_group_id;
    return inode.set_attributes({.has_mode = true, .mode = mode});
}

LinuxResult<> change_owner(Path const& place, std::uint32_t uid, std::uint32_t gid, Credentials const& credentials) {
    auto& inode = place.inode();
    LTRY(check_writable(*place.mount));
    if (!credentials.has(Capability::chown)) {
        bool const owns = credentials.file_uid == inode.uid();
        if (uid != ~0u && (!owns || uid != inode.uid()))
            return fail(Errno::eperm);
        if (gid != ~0u && (!owns || !credentials.is_in_group(gid)))
            return fail(Errno::eperm);
    }
    AttributeChange change{.has_uid = uid != ~0u, .has_gid = gid != ~0u, .uid = uid, .gid = gid};
    // A new owner does not inherit the power to become the old one (chown(2)).
    auto const mode = inode.permissions();
    if (!inode.is_directory() && (change.has_uid || change.has_gid)) {
        auto cleared = mode & ~mode_bit::set_user_id;
        if ((mode & mode_bit::group_execute) != 0)
            cleared &= ~mode_bit::set_group_id;
        change.has_mode = cleared != mode;
        change.mode = cleared;
    }
    return inode.set_attributes(change);
}

LinuxResult<> change_times(Path const& place, TimeChange accessed, TimeChange modified,
                           Credentials const& credentials) {
    auto& inode = place.inode();
    if (accessed.kind == TimeChange::Kind::keep && modified.kind == TimeChange::Kind::keep)
        return {};
    LTRY(check_writable(*place.mount));
    if (!is_owner(inode, credentials)) {
        bool const both_now = accessed.kind == TimeChange::Kind::now && modified.kind == TimeChange::Kind::now;
        if (!both_now)
            return fail(Errno::eperm);
        LTRY(check_access(inode, credentials, access_bit::write));
    }
    auto const now = file_clock_ns();
    return inode.set_attributes({
        .has_accessed = accessed.kind != TimeChange::Kind::keep,
        .has_modified = modified.kind != TimeChange::Kind::keep,
        .accessed_ns = accessed.kind == TimeChange::Kind::now ? now : accessed.value_ns,
        .modified_ns = modified.kind == TimeChange::Kind::now ? now : modified.value_ns,
    });
}

LinuxResult<> check_enterable(Path const& place, Credentials const& credentials) {
    if (!place.inode().is_directory())
        return fail(Errno::enotdir);
    return check_access(place.inode(), credentials, access_bit::execute);
}

LinuxResult<Ref<Mount>> mount_file_system(FileSystem& file_system, Path const* place, std::string_view source,
                                          std::uint64_t flags) {
    auto const root_inode = file_system.root();
    auto const root = LTRY(Dentry::create(nullptr, {}, 0, root_inode.get()));
    auto mount = LTRY(Mount::create(file_system, *root, source, flags & mount_flag::kept));
    LTRY(tree().attach(*mount, place));
    return mount;
}

}  // namespace astrata::linux_abi
