#include "strates/linux/filesystems/overlay/overlay_file_system.h"

#include <algorithm>
#include <new>

#include "strates/linux/core/make.h"
#include "strates/linux/filesystems/overlay/memory_statistics.h"
#include "strates/linux/vfs/clock.h"

namespace astrata::linux_abi {

namespace {

constexpr std::uint64_t tmpfs_magic = 0x01021994;    // TMPFS_MAGIC, statfs(2)
constexpr std::uint64_t overlay_magic = 0x794c7630;  // OVERLAYFS_SUPER_MAGIC

}  // namespace

LinuxResult<Ref<OverlayFileSystem>> OverlayFileSystem::create(std::unique_ptr<LowerFileSystem> lower,
                                                              Options const& options) {
    auto* file_system = new (std::nothrow) OverlayFileSystem(std::move(lower), options);
    if (file_system == nullptr)
        return fail(Errno::enomem);
    auto result = Ref<OverlayFileSystem>::adopt(*file_system);
    if (result->lower_ != nullptr) {
        auto const root = LTRY(result->lower_->root());
        auto const attributes = LTRY(result->lower_->attributes(root));
        result->root_ = LTRY(result->inode_of_lower(attributes));
        result->next_number_ = first_own_number;
    } else {
        auto const now = file_clock_ns();
        result->root_ = LTRY(result->new_inode({
            .mode = options.root_mode | static_cast<std::uint32_t>(FileType::directory),
            .links = 2,
            .accessed_ns = now,
            .modified_ns = now,
            .changed_ns = now,
            .created_ns = now,
        }));
    }
    return result;
}

Ref<Inode> OverlayFileSystem::root() {
    return Ref<Inode>::share(*root_);
}

void OverlayFileSystem::release_root() {
    root_ = nullptr;
    for (;;) {
        RefOrNull<OverlayInode> released;
        Lock lock(table_mutex_);
        auto* inode = pinned_.pop_front();
        if (inode == nullptr)
            return;
        inode->is_pinned = false;
        released = Ref<OverlayInode>::adopt(*inode);
        lock.unlock();
    }
}

LinuxResult<FileSystemStatistics> OverlayFileSystem::statistics() {
    auto const memory = memory_statistics();
    if (lower_ != nullptr) {
        // What the lower file system holds is used; what can still be written is what memory there is.
        auto statistics = LTRY(lower_->statistics());
        if (options_.is_read_only)
            return statistics;
        statistics.magic = overlay_magic;
        auto const block_size = std::max<std::uint64_t>(statistics.block_size, 512);
        auto const used = statistics.blocks - std::min(statistics.blocks, statistics.blocks_free);
        auto const used_nodes = statistics.nodes - std::min(statistics.nodes, statistics.nodes_free);
        statistics.blocks_free = memory.free / block_size;
        statistics.blocks_available = statistics.blocks_free;
        statistics.blocks = used + statistics.blocks_free;
        statistics.nodes_free = memory.free / 1024;
        statistics.nodes = used_nodes + own_nodes_ + statistics.nodes_free;
        return statistics;
    }
    // What tmpfs can hold is what memory there is.
    return FileSystemStatistics{
        .magic = tmpfs_magic,
        .blocks = memory.total / 4096,
        .blocks_free = memory.free / 4096,
        .blocks_available = memory.free / 4096,
        .nodes = own_nodes_ + memory.free / 1024,
        .nodes_free = memory.free / 1024,
    };
}

LinuxResult<Ref<OverlayInode>> OverlayFileSystem::inode_of_lower(Attributes const& attributes) {
    auto const index = attributes.node % bucket_count;
    {
        Lock lock(table_mutex_);
        for (auto* inode = by_lower_[index]; inode != nullptr; inode = inode->next_in_bucket) {
            if (inode->lower_ == attributes.node && inode->try_add_reference())
                return Ref<OverlayInode>::adopt(*inode);
        }
    }
    auto fresh = LTRY(make_ref<OverlayInode>(*this, attributes, attributes.node));
    Lock lock(table_mutex_);
    // Somebody else may have made it meanwhile.
    for (auto* inode = by_lower_[index]; inode != nullptr; inode = inode->next_in_bucket) {
        if (inode->lower_ == attributes.node && inode->try_add_reference()) {
            lock.unlock();
            return Ref<OverlayInode>::adopt(*inode);
        }
    }
    fresh->next_in_bucket = by_lower_[index];
    fresh->is_in_table = true;
    by_lower_[index] = fresh.get();
    return fresh;
}

LinuxResult<Ref<OverlayInode>> OverlayFileSystem::new_inode(Attributes attributes) {
    attributes.node = next_number_.fetch_add(1, std::memory_order_relaxed);
    auto inode = LTRY(make_ref<OverlayInode>(*this, attributes, std::nullopt));
    own_nodes_.fetch_add(1, std::memory_order_relaxed);
    return inode;
}

void OverlayFileSystem::forget(OverlayInode& inode) {
    if (!inode.has_lower())
        own_nodes_.fetch_sub(1, std::memory_order_relaxed);
    Lock lock(table_mutex_);
    if (!inode.is_in_table)
        return;
    auto** place = &by_lower_[inode.lower_ % bucket_count];
    while (*place != &inode)
        place = &(*place)->next_in_bucket;
    *place = inode.next_in_bucket;
}

void OverlayFileSystem::pin(OverlayInode& inode) {
    Lock lock(table_mutex_);
    if (inode.is_pinned)
        return;
    inode.is_pinned = true;
    inode.add_reference();
    pinned_.push_back(inode);
}

void OverlayFileSystem::unpin(OverlayInode& inode) {
    {
        Lock lock(table_mutex_);
        if (!inode.is_pinned)
            return;
        inode.is_pinned = false;
        pinned_.remove(inode);
    }
    inode.drop_reference();
}

}  // namespace astrata::linux_abi
