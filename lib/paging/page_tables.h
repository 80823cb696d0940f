// The one page-table walker: maps, changes, looks up and removes, for any format. Iterative; a range costs one descent
// for each table it touches.
//
// Entries are written with single atomic stores, because processors walk the tables at any time. The caller locks, and
// flushes TLBs before it reuses pages or tables that were removed: `TableMemory::free` must keep a table's page aside
// until then.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/result.h"
#include "lib/paging/format.h"

namespace astrata::paging {

using TableEntries = std::span<Entry, entries_per_table>;

/// Where tables live and come from. `keep_empty(table)`, which it may have too, says whether a lowest table that has
/// become empty shall stay.
template <typename M>
concept TableMemory = requires(M memory, PhysAddr table, unsigned index, Entry entry) {
    { memory.entries(table) } -> std::same_as<TableEntries>;
    { memory.used(table) } -> std::same_as<std::uint32_t&>;   // how many entries are present; starts at 0
    { memory.allocate() } -> std::same_as<Result<PhysAddr>>;  // zeroed
    // Unlinked, but processors may still be reading it. All its entries are absent exactly if `used` says so.
    { memory.free(table) };
    { memory.root_entry_added(index, entry) };  // for roots that share lower tables
};

inline Entry load_entry(Entry& entry) {
    return std::atomic_ref(entry).load(std::memory_order_relaxed);
}
/// Release: a table's contents are visible before its link.
inline void store_entry(Entry& entry, Entry value) {
    std::atomic_ref(entry).store(value, std::memory_order_release);
}

/// Tables are mostly empty. A bit for each group of 8 entries lets walks skip the empty ones.
inline constexpr unsigned entries_per_group = entries_per_table / 64;

template <PageTableFormat Format, TableMemory Memory>
class PageTables {
public:
    /// Borrows `memory`. `root` is a zeroed table, or one built before.
    PageTables(PhysAddr root, Memory& memory) : root_(root), memory_(memory) {}

    [[nodiscard]] PhysAddr root() const { return root_; }

    struct Leaf {
        PhysAddr page;  ///< of the byte asked for, rounded down to 4 KiB
        Attributes attributes;
        int level;
    };

    /// The place of the 4 KiB entry for `address`, with the tables above it.
    struct Place {
        Entry* entry;
        PhysAddr table;
    };
    /// errors    no_memory, already_exists (a larger page maps the address)
    [[nodiscard]] Result<Place> place_for(VirtAddr address) {
        auto const table = TRY(table_for(address, 0));
        return Place{&memory_.entries(table)[index_at(address, 0)], table};
    }
    /// Null in `entry` if there is no table for it.
    [[nodiscard]] Place find(VirtAddr address) const {
        auto table = root_;
        for (int level = Format::levels - 1; level > 0; --level) {
            auto const entry = load_entry(memory_.entries(table)[index_at(address, level)]);
            if (!Format::is_present(entry) || Format::is_leaf(entry, level))
                return {nullptr, {}};
            table = Format::address(entry, level);
        }
        return {&memory_.entries(table)[index_at(address, 0)], table};
    }
    /// Writes a leaf at a place, counting it if it is new there.
    void set(Place place, Entry value) {
        if (!Format::is_present(load_entry(*place.entry)))
            count_entry(place.table, static_cast<unsigned>(place.entry - memory_.entries(place.table).data()));
        store_entry(*place.entry, value);
    }

    /// Maps a range, with the largest pages that fit, up to those of `largest_level`.
    /// errors    no_memory, already_exists (something is mapped there); what was entered before stays
    [[nodiscard]] Result<> map(VirtAddr start, std::uint64_t length, PhysAddr target, Attributes attributes,
                               int largest_level = 0) {
        while (length > 0) {
            int level = largest_level;
            while (level > 0 && (!is_aligned(start.value | target.value, bytes_of(level)) || length < bytes_of(level)))
                --level;
            auto const table = TRY(table_for(start, level));
            auto entries = memory_.entries(table);
            // As many entries of this size as this table and the range hold.
            for (auto index = index_at(start, level); index < entries_per_table && length >= bytes_of(level); ++index) {
                if (Format::is_present(load_entry(entries[index])))
                    return fail(Error::already_exists);
                store_entry(entries[index], Format::leaf(target, attributes, level));
                count_entry(table, index);
                start += bytes_of(level);
                target += bytes_of(level);
                length -= bytes_of(level);
                if (level < largest_level && is_aligned(start.value | target.value, bytes_of(level + 1)) &&
                    length >= bytes_of(level + 1))
                    break;
            }
        }
        return {};
    }

    /// Removes all leaves in a range, and the tables that become empty except those directly below the root (so that
    /// roots which share them stay equal). Larger pages must lie in the range whole. Returns how many 4 KiB leaves
    /// there were; larger ones count as one.
    std::uint64_t unmap(VirtAddr start, std::uint64_t length) {
        return unmap(start, length, [](int) {});
    }
    /// The same; calls gone(level) for each leaf.
    template <typename Gone>
    std::uint64_t unmap(VirtAddr start, std::uint64_t length, Gone gone) {
        std::uint64_t removed = 0;
        walk(start, length, [&](Entry& entry, Path const& path, int level, VirtAddr) {
            store_entry(entry, 0);
            --memory_.used(path[index_of(level)]);
            ++removed;
            gone(level);
        });
        return removed;
    }

    /// Replaces each leaf in the range by `change(entry, level)`. Returns whether any of them changed.
    template <typename Change>
    bool update(VirtAddr start, std::uint64_t length, Change change) {
        bool has_changed = false;
        walk(start, length, [&](Entry& entry, Path const&, int level, VirtAddr) {
            auto const old_value = load_entry(entry);
            Entry const new_value = change(old_value, level);
            if (new_value != old_value) {
                store_entry(entry, new_value);
                has_changed = true;
            }
        });
        return has_changed;
    }

    /// Calls visit(address, entry, level) for each leaf, ascending.
    template <typename Visit>
    void for_each_leaf(VirtAddr start, std::uint64_t length, Visit visit) const {
        const_cast<PageTables*>(this)->walk(start, length, [&](Entry& entry, Path const&, int level, VirtAddr address) {
            visit(address, load_entry(entry), level);
        });
    }

    [[nodiscard]] std::optional<Leaf> query(VirtAddr address) const {
        auto table = root_;
        for (int level = Format::levels - 1; level >= 0; --level) {
            auto const entry = load_entry(memory_.entries(table)[index_at(address, level)]);
            if (!Format::is_present(entry))
                return std::nullopt;
            auto const target = Format::address(entry, level);
            if (Format::is_leaf(entry, level)) {
                auto const offset = align_down(address.value & (bytes_of(level) - 1), page_size);
                return Leaf{target + offset, Format::attributes(entry, level), level};
            }
            table = target;
        }
        return std::nullopt;
    }

    /// Frees every table below root entries [first, last), without looking at leaves, and clears those entries. For the
    /// end of an address space that no processor uses any more.
    void free_tables(unsigned first, unsigned last) {
        auto root_entries = memory_.entries(root_);
        for (auto index = first; index < last; ++index) {
            index = skip_empty_groups(memory_.groups(root_), index);
            if (index >= last)
                return;
            auto const entry = load_entry(root_entries[index]);
            if (!Format::is_present(entry) || Format::is_leaf(entry, Format::levels - 1))
                continue;
            free_subtree(Format::address(entry, Format::levels - 1), Format::levels - 2);
            store_entry(root_entries[index], 0);
            --memory_.used(root_);
        }
    }

    /// The entry of the level above the lowest for `address`: the leaf of a larger page, a table, or absent; null if
    /// there is no table that has it.
    [[nodiscard]] Entry* upper_entry(VirtAddr address) const {
        auto table = root_;
        for (int level = Format::levels - 1; level > 1; --level) {
            auto const entry = load_entry(memory_.entries(table)[index_at(address, level)]);
            if (!Format::is_present(entry) || Format::is_leaf(entry, level))
                return nullptr;
            table = Format::address(entry, level);
        }
        return &memory_.entries(table)[index_at(address, 1)];
    }
    /// Replaces the larger page whose leaf `upper_entry` has found by a table of small ones that show the same. Nobody
    /// needs to forget anything for that: whatever TLBs know of the larger page stays true, and goes with the first
    /// small one of it that is flushed.
    /// errors    no_memory
    [[nodiscard]] Result<> split(Entry& large) {
        auto const below = TRY(memory_.allocate());
        auto const leaf = load_entry(large);
        auto page = Format::address(leaf, 1);
        for (auto& entry : memory_.entries(below)) {
            entry = Format::leaf(page, Format::attributes(leaf, 1), 0);
            page += page_size;
        }
        memory_.used(below) = entries_per_table;
        for (unsigned group = 0; group < entries_per_table / entries_per_group; ++group)
            memory_.add_group(below, group);
        store_entry(large, Format::table(below));
        return {};
    }

    /// Frees the lowest table for `address`, if there is one and it is empty.
    void free_empty_table(VirtAddr address) {
        Path path{};
        path[Format::levels - 1] = root_;
        for (int level = Format::levels - 1; level > 0; --level) {
            auto const entry = load_entry(memory_.entries(path[index_of(level)])[index_at(address, level)]);
            if (!Format::is_present(entry) || Format::is_leaf(entry, level))
                return;
            path[index_of(level - 1)] = Format::address(entry, level);
        }
        free_if_empty(path, 0, address.page() & (page_number_limit - 1));
    }

    /// The table that holds `address`'s entry at `level`, with the tables above it made as needed.
    /// errors    no_memory, already_exists (a larger page maps the address)
    [[nodiscard]] Result<PhysAddr> table_for(VirtAddr address, int level) {
        auto table = root_;
        for (int above = Format::levels - 1; above > level; --above) {
            auto const index = index_at(address, above);
            auto& entry = memory_.entries(table)[index];
            auto const value = load_entry(entry);
            if (Format::is_present(value)) {
                if (Format::is_leaf(value, above)) [[unlikely]]
                    return fail(Error::already_exists);
                table = Format::address(value, above);
                continue;
            }
            auto const below = TRY(memory_.allocate());
            store_entry(entry, Format::table(below));
            count_entry(table, index);
            if (above == Format::levels - 1)
                memory_.root_entry_added(index, Format::table(below));
            table = below;
        }
        return table;
    }

private:
    using Path = std::array<PhysAddr, Format::levels>;  // the table at each level on the way to an entry
    static constexpr std::uint64_t page_number_limit = std::uint64_t{1} << (bits_per_level * Format::levels);

    void count_entry(PhysAddr table, unsigned index) {
        ++memory_.used(table);
        memory_.add_group(table, index / entries_per_group);
    }
    // The first index from `index` on whose group may have present entries; entries_per_table if there is none.
    static unsigned skip_empty_groups(std::uint64_t groups, unsigned index) {
        auto const later = groups >> (index / entries_per_group);
        if ((later & 1) != 0)
            return index;
        if (later == 0)
            return entries_per_table;
        return align_down(index, entries_per_group) +
               static_cast<unsigned>(std::countr_zero(later)) * entries_per_group;
    }

    static constexpr std::size_t index_of(int level) { return static_cast<std::size_t>(level); }

    // Calls visit(entry, path, level, address) for each leaf in the range; it may clear the entry. Counts in page
    // numbers below 2^36, where the top of the address space does not wrap.
    template <typename Visit>
    void walk(VirtAddr start, std::uint64_t length, Visit visit) {
        std::uint64_t const upper_bits = start.value & ~(page_number_limit * page_size - 1);
        std::uint64_t page = start.page() & (page_number_limit - 1);
        std::uint64_t const end = std::min(page + length / page_size, page_number_limit);
        Path path{};
        path[Format::levels - 1] = root_;
        while (page < end) {
            int level = Format::levels - 1;
            Entry entry = 0;
            for (;; --level) {
                entry = load_entry(memory_.entries(path[index_of(level)])[index_in(page, level)]);
                if (!Format::is_present(entry) || Format::is_leaf(entry, level))
                    break;
                path[index_of(level - 1)] = Format::address(entry, level);
            }
            // All neighbours in this table that the range covers.
            auto entries = memory_.entries(path[index_of(level)]);
            auto const step = std::uint64_t{1} << (bits_per_level * static_cast<unsigned>(level));
            auto const first = index_in(page, level);
            auto const table_start = align_down(page, step) - first * step;
            auto const limit = std::min<std::uint64_t>(entries_per_table, (end - table_start + step - 1) / step);
            auto const groups = memory_.groups(path[index_of(level)]);
            auto index = skip_empty_groups(groups, first);
            while (index < limit) {
                auto& neighbour = entries[index];
                auto const value = load_entry(neighbour);
                if (Format::is_present(value)) {
                    if (!Format::is_leaf(value, level))
                        break;
                    visit(neighbour, path, level, VirtAddr{upper_bits | (table_start + index * step) * page_size});
                }
                ++index;
                if (index % entries_per_group == 0 && index < limit)
                    index = skip_empty_groups(groups, index);
            }
            page = table_start + std::min<std::uint64_t>(index, limit) * step;
            free_if_empty(path, level, page - 1);
        }
    }

    static unsigned index_in(std::uint64_t page, int level) {
        return static_cast<unsigned>(page >> (bits_per_level * static_cast<unsigned>(level))) & (entries_per_table - 1);
    }

    // `page` is one that the table at `level` covers.
    void free_if_empty(Path const& path, int level, std::uint64_t page) {
        if constexpr (requires { memory_.keep_empty(path[0]); }) {
            if (level == 0 && memory_.used(path[0]) == 0 && memory_.keep_empty(path[0]))
                return;
        }
        for (; level < Format::levels - 2 && memory_.used(path[index_of(level)]) == 0; ++level) {
            auto const parent = path[index_of(level + 1)];
            store_entry(memory_.entries(parent)[index_in(page, level + 1)], 0);
            --memory_.used(parent);
            memory_.free(path[index_of(level)]);
        }
    }

    void free_subtree(PhysAddr top, int top_level) {
        Path path{};
        std::array<unsigned, Format::levels> next{};
        int level = top_level;
        path[index_of(level)] = top;
        while (level <= top_level) {
            auto const table = path[index_of(level)];
            auto& index = next[index_of(level)];
            // Leaves need no visit: at the lowest level no entry does, and above it, counting used ones ends the scan
            // early.
            if (level > 0 && memory_.used(table) > 0)
                index = skip_empty_groups(memory_.groups(table), index);
            if (level > 0 && memory_.used(table) > 0 && index < entries_per_table) {
                auto& place = memory_.entries(table)[index++];
                auto const entry = load_entry(place);
                if (!Format::is_present(entry))
                    continue;
                store_entry(place, 0);
                --memory_.used(table);
                if (!Format::is_leaf(entry, level)) {
                    --level;
                    path[index_of(level)] = Format::address(entry, level + 1);
                    next[index_of(level)] = 0;
                }
                continue;
            }
            memory_.free(table);
            ++level;
        }
    }

    PhysAddr root_;
    Memory& memory_;
};

}  // namespace astrata::paging
