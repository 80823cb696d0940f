#include "strates/linux/vfs/dentry.h"

#include <algorithm>
#include <bit>
#include <new>

namespace astrata::linux_abi {

namespace {

// The compiler's own memcpy: a library call in freestanding code otherwise, where one load is meant.
std::uint64_t load_word(char const* from) {
    std::uint64_t word = 0;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}

}  // namespace

ScannedName scan_name(std::string_view text) {
    constexpr std::uint64_t ones = 0x0101'0101'0101'0101;
    constexpr std::uint64_t high_bits = ones * 0x80;
    constexpr std::uint64_t slashes = ones * '/';
    // The lowest bit set marks the first slash of a word.
    auto const slash_marks = [](std::uint64_t word) {
        auto const difference = word ^ slashes;
        return (difference - ones) & ~difference & high_bits;
    };
    NameHash hash;
    std::size_t position = 0;
    auto const size = text.size();
#pragma clang unsafe_buffer_usage begin  // every load lies within `text`
    auto const* const bytes = text.data();
    for (; size - position >= 8; position += 8) {
        auto const word = load_word(bytes + position);
        auto const marks = slash_marks(word);
        if (marks != 0) {
            auto const bits = static_cast<unsigned>(std::countr_zero(marks)) & ~7u;
            if (bits != 0)
                hash.add(word & ((std::uint64_t{1} << bits) - 1));
            return {position + bits / 8, hash.value()};
        }
        hash.add(word);
    }
    auto const rest = size - position;
    if (rest == 0)
        return {position, hash.value()};
    std::uint64_t word = 0;
    if (size >= 8) {
        word = load_word(bytes + size - 8) >> (64 - 8 * rest);  // reaches back, and shifts out what does not belong
    } else {
        for (std::size_t index = 0; index < rest; ++index)
            word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[index])) << 8 * index;
    }
#pragma clang unsafe_buffer_usage end
    auto length = rest;
    if (auto const marks = slash_marks(word); marks != 0) {
        length = static_cast<unsigned>(std::countr_zero(marks)) / 8;
        word &= (std::uint64_t{1} << 8 * length) - 1;
    }
    if (length != 0)
        hash.add(word);
    return {position + length, hash.value()};
}

// The same as scan_name's, for what is known to have no slash.
std::uint32_t NameHash::of(std::string_view name) {
    NameHash hash;
    auto const size = name.size();
#pragma clang unsafe_buffer_usage begin  // every load lies within `name`
    auto const* const bytes = name.data();
    std::size_t position = 0;
    for (; size - position >= 8; position += 8)
        hash.add(load_word(bytes + position));
    if (auto const rest = size - position; rest != 0) {
        std::uint64_t word = 0;
        if (size >= 8) {
            word = load_word(bytes + size - 8) >> (64 - 8 * rest);
        } else {
            for (std::size_t index = 0; index < rest; ++index)
                word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[index])) << 8 * index;
        }
        hash.add(word);
    }
#pragma clang unsafe_buffer_usage end
    return hash.value();
}

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
    victims.add(entry);
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
    while (entry != nullptr && victims.count() < trimmed_at_once) {
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
        victims.add(*oldest);
    }
}

}  // namespace astrata::linux_abi
