// One name in a directory, and what it leads to: the cache of lookups that path walk runs over.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/vfs/inode.h"

namespace astrata::linux_abi {

/// What an entry leads to never changes: another inode under the same name is another Dentry. Its name and parent
/// change (rename), under the tree's mutex. A dentry without inode says that the name does not exist.
class Dentry {
public:
    /// Whether two texts of the same length agree; by words, and here and not in a library because each step of a walk
    /// asks.
    static bool is_same_text(char const* one, char const* other, std::size_t length) {
        auto const word_at = [](char const* from) {
            std::uint64_t word = 0;
            __builtin_memcpy(&word, from, sizeof word);
            return word;
        };
#pragma clang unsafe_buffer_usage begin  // loads lie within `length` bytes
        if (length >= 8) {
            for (std::size_t position = 0; position + 8 < length; position += 8) {
                if (word_at(one + position) != word_at(other + position))
                    return false;
            }
            return word_at(one + length - 8) == word_at(other + length - 8);
        }
        for (std::size_t position = 0; position < length; ++position) {
            if (one[position] != other[position])
                return false;
        }
#pragma clang unsafe_buffer_usage end
        return true;
    }

    /// parent    null for the root of a file system. A reference to each is taken.
    static LinuxResult<Ref<Dentry>> create(Dentry* parent, std::string_view name, std::uint32_t hash, Inode* inode);

    [[nodiscard]] Inode* inode() const { return inode_.get(); }
    [[nodiscard]] bool is_negative() const { return !inode_; }

    // The rest needs the tree's mutex, except that holders of the parent directory's mutex may read name and parent.
    [[nodiscard]] Dentry* parent() const { return parent_; }
    [[nodiscard]] std::string_view name() const {
        return {name_length_ <= inline_name_size ? inline_name_.data() : long_name_.get(), name_length_};
    }
    [[nodiscard]] bool is_named(std::uint32_t hash, Dentry const* parent, std::string_view name_) const {
        return hash_ == hash && parent_ == parent && name_length_ == name_.size() &&
               is_same_text(name().data(), name_.data(), name_.size());
    }
    [[nodiscard]] bool is_mount_point() const { return mounts_here_ != 0; }

    // Counted by hand and not by RefCounted: dropping the last reference to a deep path drops its parents one after the
    // other in a loop, where nested calls could exhaust the stack.
    void add_reference() { count_.fetch_add(1, std::memory_order_relaxed); }
    void drop_reference();
    [[nodiscard]] std::uint32_t reference_count() const { return count_.load(std::memory_order_acquire); }

private:
    friend class DentryCache;
    friend class Tree;
    static constexpr std::size_t inline_name_size = 40;

    Dentry() = default;
    ~Dentry() = default;

    std::atomic<std::uint32_t> count_ = 1;
    std::uint32_t hash_ = 0;    // of parent and name, see DentryCache
    Dentry* parent_ = nullptr;  // holds a reference
    RefOrNull<Inode> inode_;
    Dentry* next_in_bucket_ = nullptr;
    ListLink<Dentry> age_link_;
    std::uint16_t name_length_ = 0;
    std::uint16_t mounts_here_ = 0;  // mounts on top of this directory
    bool is_cached_ = false;         // reachable by its name
    bool is_deleted_ = false;        // the name was removed, or replaced by another; shown as " (deleted)"
    bool is_recently_used_ = false;  // second chance when the cache is trimmed
    std::array<char, inline_name_size> inline_name_;
    std::unique_ptr<char[]> long_name_;
};

/// Hash of a name, eight bytes at a time; the walk computes it while it looks for the name's end.
class NameHash {
public:
    /// A full word of the name, or its zero-padded end (if there is one).
    void add(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x9e37'79b9'7f4a'7c15;
        value_ ^= value_ >> 29;
    }
    [[nodiscard]] std::uint32_t value() const { return static_cast<std::uint32_t>(value_ ^ value_ >> 32); }
    static std::uint32_t of(std::string_view name);

private:
    std::uint64_t value_ = 0;
};

/// What stands before the first slash of a text: its length and hash.
struct ScannedName {
    std::size_t length = 0;
    std::uint32_t hash = 0;
};
ScannedName scan_name(std::string_view text);

/// The hash table of dentries. Everything here needs the tree's mutex (see tree.h), and nothing here waits or calls
/// file systems: what falls out of the cache is handed back for release after the mutex is.
class DentryCache {
public:
    static constexpr std::size_t bucket_count = 4096;
    static constexpr std::size_t entry_limit = 4096;
    static constexpr std::size_t trimmed_at_once = 8;

    /// Dentries to release once the tree's mutex is free: they may own the last reference to an inode, whose end may
    /// wait. One operation trims at most `trimmed_at_once` and removes at most two more.
    class Victims {
    public:
        Victims() = default;
        Victims(Victims const&) = delete;
        ~Victims() {
            while (count_ != 0)
                entries_[--count_]->drop_reference();
        }
        [[nodiscard]] std::size_t count() const { return count_; }
        /// Takes the cache's reference over.
        void add(Dentry& entry) { entries_[count_++] = &entry; }

    private:
        std::array<Dentry*, trimmed_at_once + 4> entries_;
        std::size_t count_ = 0;
    };

    [[nodiscard]] Dentry* find(Dentry const& parent, std::string_view name, std::uint32_t name_hash) {
        auto const hash = combined_hash(parent, name_hash);
        for (auto* entry = buckets_[hash % bucket_count]; entry != nullptr; entry = entry->next_in_bucket_) {
            if (entry->is_named(hash, &parent, name)) {
                entry->is_recently_used_ = true;
                return entry;
            }
        }
        return nullptr;
    }
    /// Makes the entry reachable; the cache keeps a reference. No entry of that name is cached in its parent.
    void insert(Dentry& entry, Victims& victims);
    /// Makes the entry unreachable by name.
    void remove(Dentry& entry, Victims& victims);
    /// Gives a cached or uncached entry another parent and name and caches it. `long_name` from prepare_name.
    void rename(Dentry& entry, Dentry& new_parent, std::string_view new_name, std::unique_ptr<char[]> long_name,
                Victims& victims);
    /// Memory for a name that does not fit inline, allocated ahead so that rename cannot fail half-way; null if not
    /// needed.
    static LinuxResult<std::unique_ptr<char[]>> prepare_name(std::string_view name);
    /// Collects unused entries, oldest first, until `limit` are left or trimmed_at_once are found.
    void trim(std::size_t limit, Victims& victims);
    /// Collects some unused entries of one file system; none are left when it finds none.
    void collect(FileSystem const& file_system, Victims& victims);
    [[nodiscard]] std::size_t size() const { return count_; }

    static std::uint32_t combined_hash(Dentry const& parent, std::uint32_t name_hash) {
        auto const address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&parent) >> 4);
        auto const mixed = (name_hash ^ address) * 2654435761u;
        return mixed ^ mixed >> 15;
    }

private:
    void link_into_bucket(Dentry& entry);
    void unlink_from_bucket(Dentry& entry);

    std::array<Dentry*, bucket_count> buckets_ = {};
    IntrusiveList<Dentry, &Dentry::age_link_> by_age_;  // oldest first; every entry holds the cache's reference
    std::size_t count_ = 0;
};

}  // namespace astrata::linux_abi
