// A file system in memory: tmpfs, and with another file system below it the root of a silo.
//
// The overlay does not copy what it changes into a second tree, as Linux's does, but changes the nodes themselves:
// every node is one OverlayInode, those of the lower file system are found by their id, and what was changed stays in
// memory with what was changed about it. So renaming a directory moves one entry, hard links stay hard links after a
// write, and writing to a big file copies only the pages written (its contents become a shadow of the lower object).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "strates/linux/core/lock.h"
#include "strates/linux/filesystems/overlay/lower.h"
#include "strates/linux/filesystems/overlay/overlay_inode.h"
#include "strates/linux/vfs/file_system.h"

namespace astrata::linux_abi {

class OverlayFileSystem final : public FileSystem {
public:
    struct Options {
        std::string_view type_name = "tmpfs";  // a literal
        std::uint32_t root_mode = 01777;
        bool is_read_only = false;
    };
    /// lower     null for a tmpfs
    static LinuxResult<Ref<OverlayFileSystem>> create(std::unique_ptr<LowerFileSystem> lower, Options const& options);

    [[nodiscard]] std::string_view type_name() const override { return options_.type_name; }
    [[nodiscard]] Ref<Inode> root() override;
    [[nodiscard]] LinuxResult<FileSystemStatistics> statistics() override;
    [[nodiscard]] bool is_read_only() const override { return options_.is_read_only; }

    // ---- For its inodes ----
    [[nodiscard]] LowerFileSystem& lower() const { return *lower_; }
    /// The one inode of a lower node.
    LinuxResult<Ref<OverlayInode>> inode_of_lower(Attributes const& attributes);
    /// A new node of ours; attributes.node is ignored.
    LinuxResult<Ref<OverlayInode>> new_inode(Attributes attributes);
    /// Takes the inode out of the table; its reference count is zero.
    void forget(OverlayInode& inode);
    /// Keeps, or no longer keeps, an inode in memory that differs from its lower node.
    void pin(OverlayInode& inode);
    void unpin(OverlayInode& inode);

private:
    OverlayFileSystem(std::unique_ptr<LowerFileSystem> lower, Options const& options)
        : lower_(std::move(lower)), options_(options) {}
    ~OverlayFileSystem() override = default;
    void release_root() override;

    static constexpr std::size_t bucket_count = 1024;
    /// Numbers of our own nodes begin above any that a lower file system has.
    static constexpr std::uint64_t first_own_number = std::uint64_t{1} << 32;

    std::unique_ptr<LowerFileSystem> const lower_;
    Options const options_;
    std::atomic<std::uint64_t> next_number_ = 1;
    std::atomic<std::uint64_t> own_nodes_ = 0;
    RefOrNull<OverlayInode> root_;
    Mutex table_mutex_;  // last in the order of file-system locks
    std::array<OverlayInode*, bucket_count>
        by_lower_ GUARDED_BY(table_mutex_) = {};  // borrowed; an inode on its way out may still be found
    IntrusiveList<OverlayInode, &OverlayInode::pin_link> pinned_ GUARDED_BY(table_mutex_);
};

}  // namespace astrata::linux_abi
