#include "strates/linux/vfs/tree.h"

#include <algorithm>

namespace astrata::linux_abi {

Mount* Tree::mount_on_locked(Mount const& mount, Dentry const& entry) const {
    // Newest first: of several mounts on one place the last one shows. Silos have a handful of mounts.
    for (auto* candidate = mounts_.back(); candidate != nullptr; candidate = candidate->link_.previous) {
        if (candidate->mount_point_.get() == &entry && candidate->parent_.get() == &mount)
            return candidate;
    }
    return nullptr;
}

LinuxResult<> Tree::attach(Mount& mount, Path const* place) {
    Lock lock(mutex_);
    if (mount.link_.is_linked)
        return fail(Errno::ebusy);
    if (place != nullptr) {
        mount.parent_ = place->mount;
        mount.mount_point_ = place->dentry;
        ++place->dentry->mounts_here_;
    }
    mount.add_reference();
    mounts_.push_back(mount);
    return {};
}

LinuxResult<> Tree::detach(Path const& place, bool lazily) {
    RefOrNull<Mount> mount;
    RefOrNull<Mount> parent;
    RefOrNull<Dentry> mount_point;
    {
        Lock lock(mutex_);
        if (&place.mount->root() != place.dentry.get() || !place.mount->parent_)
            return fail(Errno::einval);
        for (auto& other : mounts_) {
            if (other.parent_.get() == place.mount.get())
                return fail(Errno::ebusy);
        }
        // One reference is the list's and one the caller's path.
        if (!lazily && place.mount->reference_count() > 2)
            return fail(Errno::ebusy);
        mount = Ref<Mount>::adopt(*place.mount);
        parent = std::move(mount->parent_);
        mount_point = std::move(mount->mount_point_);
        --mount_point->mounts_here_;
        mounts_.remove(*mount);
    }
    return {};
}

void Tree::detach_root_for_tests(Mount& root) {
    RefOrNull<Mount> released = Ref<Mount>::adopt(root);
    Lock lock(mutex_);
    mounts_.remove(root);
    lock.unlock();
}

void Tree::drop_unused_entries(FileSystem const& file_system) {
    for (;;) {
        DentryCache::Victims victims;
        Lock lock(mutex_);
        cache_.collect(file_system, victims);
        if (victims.count() == 0)
            return;
        lock.unlock();
    }
}

RefOrNull<Mount> Tree::mount_of(FileSystem const& file_system) {
    Lock lock(mutex_);
    for (auto& mount : mounts_) {
        if (&mount.file_system() == &file_system)
            return Ref<Mount>::share(mount);
    }
    return nullptr;
}

void Tree::forget(Dentry& entry) {
    DentryCache::Victims victims;
    Lock lock(mutex_);
    entry.is_deleted_ = true;
    cache_.remove(entry, victims);
}

LinuxResult<Ref<Dentry>> Tree::remember(Dentry& parent, std::string_view name, std::uint32_t hash, Inode* inode,
                                        bool cached) {
    auto entry = LTRY(Dentry::create(&parent, name, hash, inode));
    if (!cached)
        return entry;
    DentryCache::Victims victims;
    Lock lock(mutex_);
    if (auto* former = cache_.find(parent, name, hash); former != nullptr)
        cache_.remove(*former, victims);
    cache_.insert(*entry, victims);
    return entry;
}

void Tree::moved(Dentry& moved, Dentry& new_parent, std::string_view new_name, std::unique_ptr<char[]> long_name,
                 Dentry* replaced) {
    DentryCache::Victims victims;
    Lock lock(mutex_);
    if (replaced != nullptr) {
        replaced->is_deleted_ = !replaced->is_negative();
        cache_.remove(*replaced, victims);
    }
    if (auto* other = cache_.find(new_parent, new_name, NameHash::of(new_name)); other != nullptr && other != &moved)
        cache_.remove(*other, victims);
    cache_.rename(moved, new_parent, new_name, std::move(long_name), victims);
}

void Tree::exchanged(Dentry& first, Dentry& second, std::unique_ptr<char[]> first_new_name,
                     std::unique_ptr<char[]> second_new_name) {
    DentryCache::Victims victims;
    Lock lock(mutex_);
    std::array<char, name_limit> copy;
    auto const length = first.name().size();
    std::ranges::copy(first.name(), copy.begin());
    // Held over the exchange: renaming drops each entry's reference to its old parent.
    auto first_parent = Ref<Dentry>::share(*first.parent_);
    auto second_parent = Ref<Dentry>::share(*second.parent_);
    std::array<char, name_limit> other_copy;
    auto const other_length = second.name().size();
    std::ranges::copy(second.name(), other_copy.begin());
    cache_.rename(first, *second_parent, std::string_view(other_copy.data(), other_length), std::move(first_new_name),
                  victims);
    cache_.rename(second, *first_parent, std::string_view(copy.data(), length), std::move(second_new_name), victims);
}

bool Tree::is_below(Dentry const& entry, Dentry const& ancestor) {
    Lock lock(mutex_);
    for (auto const* step = &entry; step != nullptr; step = step->parent_) {
        if (step == &ancestor)
            return true;
    }
    return false;
}

bool Tree::is_mount_point(Dentry const& entry) {
    Lock lock(mutex_);
    return entry.is_mount_point();
}

LinuxResult<std::string_view> Tree::format(Path const& path, Path const& root, std::span<char> into) {
    Lock lock(mutex_);
    return format_locked(path, root, into);
}

LinuxResult<std::string_view> Tree::format_locked(Path const& path, Path const& root, std::span<char> into) {
    auto begin = into.size();
    auto prepend = [&](std::string_view text) {
        if (text.size() > begin)
            return false;
        begin -= text.size();
        std::ranges::copy(text, into.subspan(begin).begin());
        return true;
    };
    Mount const* mount = path.mount.get();
    Dentry const* entry = path.dentry.get();
    if (entry->is_deleted_ && !prepend(" (deleted)"))
        return fail(Errno::enametoolong);
    auto const end_of_names = begin;
    for (;;) {
        if (mount == root.mount.get() && entry == root.dentry.get())
            break;
        if (entry == &mount->root()) {
            if (!mount->parent_) {
                // Outside `root`: above it after chroot, or in a mount that is attached nowhere.
                if (begin == end_of_names && !prepend("/"))
                    return fail(Errno::enametoolong);
                bool const is_tree_root =
                    mounts_.front() == mount && &root.mount->root() == root.dentry.get() && root.mount.get() == mount;
                if (!is_tree_root && !prepend("(unreachable)"))
                    return fail(Errno::enametoolong);
                return std::string_view(into.subspan(begin).data(), into.size() - begin);
            }
            entry = mount->mount_point_.get();
            mount = mount->parent_.get();
            continue;
        }
        if (!prepend(entry->name()) || !prepend("/"))
            return fail(Errno::enametoolong);
        if (entry->parent_ == nullptr)  // an entry of no directory, such as a pipe's
            break;
        entry = entry->parent_;
    }
    if (begin == end_of_names && !prepend("/"))
        return fail(Errno::enametoolong);
    return std::string_view(into.subspan(begin).data(), into.size() - begin);
}

namespace detail {

constinit Tree the_tree;

}  // namespace detail

}  // namespace astrata::linux_abi
