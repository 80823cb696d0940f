#include "strates/linux/filesystems/overlay/entry_table.h"

#include <algorithm>
#include <new>
#include <span>

#include "strates/linux/filesystems/overlay/overlay_inode.h"
#include "strates/linux/vfs/dentry.h"

namespace astrata::linux_abi {

OverlayEntry::~OverlayEntry() = default;

OverlayEntry** EntryTable::bucket(std::uint32_t hash) const {
    auto const index = hash & (bucket_count_ - 1);
    if (heap_ == nullptr)
        return &inline_[index];
#pragma clang unsafe_buffer_usage begin  // bucket_count_ is the array's length
    return &heap_[index];
#pragma clang unsafe_buffer_usage end
}

OverlayEntry* EntryTable::find(std::string_view name) const {
    if (count_ == 0)
        return nullptr;
    return find(name, NameHash::of(name));
}

OverlayEntry* EntryTable::find(std::string_view name, std::uint32_t hash) const {
    for (auto* entry = *bucket(hash); entry != nullptr; entry = entry->next_in_bucket) {
        if (entry->hash == hash && entry->length == name.size() &&
            Dentry::is_same_text(entry->name().data(), name.data(), name.size()))
            return entry;
    }
    return nullptr;
}

LinuxResult<std::unique_ptr<OverlayEntry>> EntryTable::make(std::string_view name, OverlayInode* inode) {
    std::unique_ptr<OverlayEntry> entry(new (std::nothrow) OverlayEntry);
    if (entry == nullptr)
        return fail(Errno::enomem);
    auto* text = entry->inline_text.data();
    if (name.size() > OverlayEntry::inline_name_size) {
        entry->long_text.reset(new (std::nothrow) char[name.size()]);
        text = entry->long_text.get();
        if (text == nullptr)
            return fail(Errno::enomem);
    }
    __builtin_memcpy(text, name.data(), name.size());
    entry->length = static_cast<std::uint16_t>(name.size());
    entry->hash = NameHash::of(name);
    if (inode != nullptr)
        entry->inode = Ref<OverlayInode>::share(*inode);
    return entry;
}

void EntryTable::insert(std::unique_ptr<OverlayEntry> entry) {
    if (count_ >= 2 * bucket_count_)
        grow();
    entry->sequence = next_sequence_++;
    if (!entry->is_whiteout())
        ++names_;
    auto** place = bucket(entry->hash);
    entry->next_in_bucket = *place;
    *place = entry.get();
    order_.push_back(*entry.release());
    ++count_;
}

void EntryTable::erase(OverlayEntry& entry) {
    auto** place = bucket(entry.hash);
    while (*place != &entry)
        place = &(*place)->next_in_bucket;
    *place = entry.next_in_bucket;
    if (expected_ == &entry)
        expected_ = nullptr;
    order_.remove(entry);
    --count_;
    if (!entry.is_whiteout())
        --names_;
    delete &entry;
}

void EntryTable::clear() {
    expected_ = nullptr;
    while (auto* entry = order_.pop_front())
        delete entry;
    std::ranges::fill(inline_, nullptr);
    heap_.reset();
    bucket_count_ = inline_buckets;
    count_ = 0;
    names_ = 0;
}

void EntryTable::grow() {
    auto const size = 4 * bucket_count_;
    std::unique_ptr<OverlayEntry*[]> memory(new (std::nothrow) OverlayEntry*[size]());
    if (memory == nullptr)
        return;
    heap_ = std::move(memory);
    bucket_count_ = size;
    for (auto& entry : order_) {
        auto** place = bucket(entry.hash);
        entry.next_in_bucket = *place;
        *place = &entry;
    }
}

OverlayEntry* EntryTable::first_from(std::uint64_t sequence) const {
    if (sequence >= next_sequence_)
        return nullptr;
    auto* entry = expected_ != nullptr && expected_->sequence <= sequence ? expected_ : order_.front();
    while (entry != nullptr && entry->sequence < sequence)
        entry = Order::next(*entry);
    return entry;
}

}  // namespace astrata::linux_abi
