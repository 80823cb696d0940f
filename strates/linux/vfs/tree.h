// The tree of all names of the silo: the dentry cache and the mounts, under one mutex.
//
// One mutex and not one in each entry: a whole cached walk then takes it once, follows plain pointers without counting
// references, and is over in some hundred instructions. It is a leaf but for the heap: nobody calls a file system,
// copies program memory or drops the last reference to an inode while holding it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/vfs/dentry.h"
#include "strates/linux/vfs/mount.h"
#include "strates/linux/vfs/path.h"

namespace astrata::linux_abi {

class Tree {
public:
    constexpr Tree() = default;
    [[nodiscard]] Mutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }
    [[nodiscard]] DentryCache& cache_locked() REQUIRES(mutex_) { return cache_; }

    /// The mount on top of (mount, entry), or null.
    [[nodiscard]] Mount* mount_on_locked(Mount const& mount, Dentry const& entry) const REQUIRES(mutex_);

    /// Attaches `mount`; at `place` (a directory, or for bind mounts also a file), or as the root if absent.
    /// errors    ebusy (it is attached already)
    LinuxResult<> attach(Mount& mount, Path const* place);
    /// Takes away the topmost mount at its root `place`.
    /// errors    einval (not the root of a mount, or the root mount), ebusy (mounts on top of it, or in use, unless
    /// `lazily`)
    LinuxResult<> detach(Path const& place, bool lazily);
    /// Lets go of cached entries of the file system that nobody uses, for an unmount.
    void drop_unused_entries(FileSystem const& file_system);
    /// Takes the root mount away, which no call does: for unit tests, which each have a tree of their own.
    void detach_root_for_tests(Mount& root);
    /// For each mount in order of attaching: `visit(Mount&)` under the mutex.
    template <typename Visitor>
    void for_each_mount(Visitor visit) {
        Lock lock(mutex_);
        for (auto& mount : mounts_)
            visit(mount);
    }

    /// A mount of the file system, null if it is mounted nowhere.
    [[nodiscard]] RefOrNull<Mount> mount_of(FileSystem const& file_system);

    /// Makes `entry` unreachable after its file was removed or replaced.
    void forget(Dentry& entry);
    /// The dentry for a node just created under `name`: replaces a negative one. Needs the parent directory's mutex.
    LinuxResult<Ref<Dentry>> remember(Dentry& parent, std::string_view name, std::uint32_t hash, Inode* inode,
                                      bool cached = true);
    /// After rename(2): `moved` takes the place `new_name` in `new_parent`; `replaced`, if any, is forgotten.
    void moved(Dentry& moved, Dentry& new_parent, std::string_view new_name, std::unique_ptr<char[]> long_name,
               Dentry* replaced);
    /// After RENAME_EXCHANGE. The names' memory belongs to the respective new places.
    void exchanged(Dentry& first, Dentry& second, std::unique_ptr<char[]> first_new_name,
                   std::unique_ptr<char[]> second_new_name);

    /// Whether `entry` is `ancestor` or lies below it in the same file system.
    [[nodiscard]] bool is_below(Dentry const& entry, Dentry const& ancestor);
    /// Whether something is mounted on the entry, in any mount.
    [[nodiscard]] bool is_mount_point(Dentry const& entry);

    /// Writes the path as seen from `root` to the end of `into` and returns that part. Names of removed files end in "
    /// (deleted)"; a place that cannot be reached from `root` begins with "(unreachable)".
    /// errors    enametoolong
    LinuxResult<std::string_view> format(Path const& path, Path const& root, std::span<char> into);
    LinuxResult<std::string_view> format_locked(Path const& path, Path const& root, std::span<char> into)
        REQUIRES(mutex_);

private:
    Mutex mutex_;
    DentryCache cache_ GUARDED_BY(mutex_);
    IntrusiveList<Mount, &Mount::link_> mounts_ GUARDED_BY(mutex_);  // holds a reference to each
};

namespace detail {

extern Tree the_tree;

}  // namespace detail

/// The silo's tree.
inline Tree& tree() {
    return detail::the_tree;
}

}  // namespace astrata::linux_abi
