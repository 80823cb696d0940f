#include "strates/linux/vfs/dentry.h"

#include <algorithm>
#include <new>

namespace astrata::linux_abi {

LinuxResult<Ref<Dentry>> Dentry::create(Dentry* parent, std::string_view name, std::uint32_t hash, Inode* inode) {
    auto long_name = LTRY(DentryCache::prepare_name(name));
    auto* entry = new (std::nothrow) Dentry;
    if (entry == nullptr)
        return fail(Errno::enomem);
    entry->name_length_ = static_cast<std::uint16_t>(name.size());
    entry->long_name_ = std::move(long_name);
    std::ranges::copy(name, entry->long_name_ != nullptr ? entry->long_name_.get() : entry->inline_name_.data());
    entry->hash_ = hash;
    if (parent != nullptr) {
        parent->add_reference();
        entry->parent_ = parent;
        entry->hash_ = DentryCache::combined_hash(*parent, hash);
    }
    if (inode != nullptr)
        entry->inode_ = Ref<Inode>::share(*inode);
    return Ref<Dentry>::adopt(*entry);
}

void Dentry::drop_reference() {
    auto* entry = this;
    while (entry != nullptr && entry->count_.fetch_sub(1, std::memory_order_release) == 1) {
        std::atomic_thread_fence(std::memory_order_acquire);
        auto* parent = entry->parent_;
        delete entry;
        entry = parent;  // its child's reference goes next
    }
}

LinuxResult<std::unique_ptr<char[]>> DentryCache::prepare_name(std::string_view name) {
    if (name.size() <= Dentry::inline_name_size)
        return std::unique_ptr<char[]>();
    std::unique_ptr<char[]> memory(new (std::nothrow) char[name.size()]);
    if (memory == nullptr)
        return fail(Errno::enomem);
    return memory;
}

void DentryCache::link_into_bucket(Dentry& entry) {
    auto*& bucket = buckets_[entry.hash_ % bucket_count];
    entry.next_in_bucket_ = bucket;
    bucket = &entry;
    entry.is_cached_ = true;
    entry.is_recently_used_ = true;
}

void DentryCache::unlink_from_bucket(Dentry& entry) {
    auto** place = &buckets_[entry.hash_ % bucket_count];
    while (*place != &entry)
        place = &(*place)->next_in_bucket_;
    *place = entry.next_in_bucket_;
    entry.next_in_bucket_ = nullptr;
    entry.is_cached_ = false;
}

void DentryCache::insert(Dentry& entry, Victims& victims) {
    link_into_bucket(entry);
    entry.add_reference();
    by_age_.push_back(entry);
    ++count_;
    if (count_ > entry_limit)
        trim(entry_limit - trimmed_at_once, victims);
}

void DentryCache::remove(Dentry& entry, Victims& victims) {
    if (!entry.is_cached_)
        return;
    unlink_from_bucket(entry);
    by_age_.remove(entry);
    --count_;
    victims.entries[victims.count++] = Ref<Dentry>::adopt(entry);
}

void DentryCache::rename(Dentry& entry, Dentry& new_parent, std::string_view new_name,
                         std::unique_ptr<char[]> long_name, Victims& victims) {
    bool const was_cached = entry.is_cached_;
    if (was_cached)
        unlink_from_bucket(entry);
    auto* old_parent = entry.parent_;
    new_parent.add_reference();
    entry.parent_ = &new_parent;
    entry.long_name_ = std::move(long_name);
    entry.name_length_ = static_cast<std::uint16_t>(new_name.size());
    std::ranges::copy(new_name, entry.long_name_ != nullptr ? entry.long_name_.get() : entry.inline_name_.data());
    entry.hash_ = combined_hash(new_parent, NameHash::of(new_name));
    // The old parent is held by the caller's path, so this is not its last reference.
    old_parent->drop_reference();
    if (was_cached)
        link_into_bucket(entry);
    else
        insert(entry, victims);
}

void DentryCache::collect(FileSystem const& file_system, Victims& victims) {
    auto* entry = by_age_.front();
    while (entry != nullptr && victims.count < trimmed_at_once) {
        auto* next = decltype(by_age_)::next(*entry);
        // A negative entry belongs where its parent does.
        auto const* inode = entry->inode_ ? entry->inode_.get() : entry->parent_->inode_.get();
        if (entry->reference_count() == 1 && &inode->file_system() == &file_system)
            remove(*entry, victims);
        entry = next;
    }
}

void DentryCache::trim(std::size_t limit, Victims& victims) {
    // Each entry is looked at twice at most: once to take its second chance, once to go.
    auto looks = 2 * count_;
    std::size_t trimmed = 0;
    while (count_ > limit && trimmed < trimmed_at_once && looks-- > 0) {
        auto* oldest = by_age_.front();
        if (oldest == nullptr)
            return;
        by_age_.remove(*oldest);
        // Children hold a reference to their parent, so an entry with only the cache's reference has neither users nor
        // children; new ones are taken under the tree's mutex only.
        if (oldest->is_recently_used_ || oldest->reference_count() > 1) {
            oldest->is_recently_used_ = false;
            by_age_.push_back(*oldest);
            continue;
        }
        unlink_from_bucket(*oldest);
        --count_;
        ++trimmed;
        victims.entries[victims.count++] = Ref<Dentry>::adopt(*oldest);
    }
}

}  // namespace astrata::linux_abi
