// The names that an overlay directory has of its own: created or moved here, or hiding what the lower directory has.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

class OverlayInode;

struct OverlayEntry {
    ~OverlayEntry();
    static constexpr std::size_t inline_name_size = 32;
    [[nodiscard]] std::string_view name() const {
        return {length <= inline_name_size ? inline_text.data() : long_text.get(), length};
    }
    [[nodiscard]] bool is_whiteout() const { return !inode; }

    RefOrNull<OverlayInode> inode;  // absent: a whiteout, the name does not exist whatever the lower directory says
    bool hides_lower = false;       // the lower directory has this name too
    std::uint64_t sequence =
        0;  // ascending in order of creation: the position of the entry for readers of the directory
    std::uint32_t hash = 0;
    std::uint16_t length = 0;
    std::array<char, inline_name_size> inline_text;
    std::unique_ptr<char[]> long_text;
    OverlayEntry* next_in_bucket = nullptr;
    ListLink<OverlayEntry> order_link;
};

/// A hash table in order of insertion. Not locked: its directory's mutex guards it.
class EntryTable {
public:
    EntryTable() = default;
    EntryTable(EntryTable const&) = delete;
    ~EntryTable() { clear(); }

    [[nodiscard]] OverlayEntry* find(std::string_view name) const;
    [[nodiscard]] OverlayEntry* find(std::string_view name, std::uint32_t hash) const;
    /// An entry not yet in a table, so that what can fail comes before what cannot be undone.
    static LinuxResult<std::unique_ptr<OverlayEntry>> make(std::string_view name, OverlayInode* inode);
    /// Adds the entry, whose name is not in the table. Cannot fail: without memory for more buckets the chains grow
    /// longer.
    void insert(std::unique_ptr<OverlayEntry> entry);
    void erase(OverlayEntry& entry);
    void clear();
    /// The first entry with at least this sequence number. Quick at the end, and where a reader is expected.
    [[nodiscard]] OverlayEntry* first_from(std::uint64_t sequence) const;
    void expect_reader_at(OverlayEntry& entry) { expected_ = &entry; }
    [[nodiscard]] OverlayEntry* next(OverlayEntry const& entry) const { return Order::next(entry); }
    [[nodiscard]] bool has_names() const { return names_ != 0; }

private:
    using Order = IntrusiveList<OverlayEntry, &OverlayEntry::order_link>;
    [[nodiscard]] OverlayEntry** bucket(std::uint32_t hash) const;
    void grow();

    static constexpr std::size_t inline_buckets = 4;
    mutable std::array<OverlayEntry*, inline_buckets> inline_ = {};
    std::unique_ptr<OverlayEntry*[]> heap_;
    std::size_t bucket_count_ = inline_buckets;  // a power of two
    std::size_t count_ = 0;
    std::size_t names_ = 0;  // entries that are no whiteouts
    std::uint64_t next_sequence_ = 1;
    Order order_;
    OverlayEntry* expected_ = nullptr;
};

}  // namespace astrata::linux_abi
