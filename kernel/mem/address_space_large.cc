// 2 MiB pages. Their 512 frames are pages like any other, which happen to lie side by side, so what is known of them in
// trees and accounts is the same; only page tables show them by one entry. That entry lies within one mapping, always.
#include <atomic>

#include "kernel/mem/address_space.h"

namespace astrata::kernel {

namespace {

constexpr unsigned large_order = paging::bits_per_level;
// Frames that must be left for others when a large page is taken: eight of its size.
constexpr std::uint64_t plenty = std::uint64_t{8} << large_order;

std::atomic<std::uint64_t> all_large_leaves = 0;  // of all spaces

}  // namespace

std::uint64_t AddressSpace::large_page_count() {
    return all_large_leaves.load(std::memory_order_relaxed);
}

void AddressSpace::note_large_locked(std::int64_t change) {
    large_leaves_ = large_leaves_ + static_cast<std::uint64_t>(change);
    all_large_leaves.fetch_add(static_cast<std::uint64_t>(change), std::memory_order_relaxed);
}

// Sees to it that no larger page reaches across `edge`.
Result<> AddressSpace::split_large_locked(PageTables& tables, VirtAddr edge) {
    if (large_leaves_ == 0 || is_aligned(edge.value, huge_page_size))
        return {};
    auto* const entry = large_leaf(tables, edge);
    if (entry == nullptr)
        return {};
    TRY(tables.split(*entry));
    note_large_locked(-1);
    return {};
}

paging::Entry* AddressSpace::large_leaf(PageTables const& tables, VirtAddr address) {
    auto* const entry = tables.upper_entry(address);
    if (entry == nullptr)
        return nullptr;
    auto const value = paging::load_entry(*entry);
    return arch::PageFormat::is_present(value) && arch::PageFormat::is_leaf(value, 1) ? entry : nullptr;
}

// A mapping is about to end at `edge`.
void AddressSpace::end_large_at(VirtAddr edge) {
    bool is_split = true;
    {
        LockGuard guard(page_table_lock_);
        Tables pages(*this);
        PageTables tables(restricted_root_, pages);
        is_split = split_large_locked(tables, edge).has_value();
    }
    if (!is_split)
        forget_pages({align_down(edge.value, huge_page_size)}, pages_per_large);
}

// Fills a block that nothing is known of yet by one 2 MiB page, if that can be had. Otherwise, pages may have been
// added.
bool AddressSpace::enter_large_locked(Mapping const& mapping, VirtAddr block) {
    Tables retired(*this);
    {
        LockGuard guard(page_table_lock_);
        PageTables tables(restricted_root_, retired);
        auto* const entry = tables.upper_entry(block);
        auto const value = entry != nullptr ? paging::load_entry(*entry) : 0;
        if (arch::PageFormat::is_present(value)) {
            // An empty table that was kept makes way.
            auto const table = arch::PageFormat::address(value, 1);
            if (arch::PageFormat::is_leaf(value, 1) || Tables::used(table) != 0)
                return false;
            recent_table_ = {};
            tables.free_empty_table(block);
        }
    }
    if (!retired.is_empty())
        flush(block, 1);
    auto const first = place_of(block);
    if (private_pages_.next_present(first, first + pages_per_large) != first + pages_per_large)
        return false;
    if (!mem::has_frames_beside_reserve(plenty) || !account().has_room_beside_reserve(2 * huge_page_size))
        return false;
    auto const memory = mem::allocate_user_block(account(), large_order);
    if (!memory)
        return false;
    for (std::uint64_t index = 0; index < pages_per_large; ++index) {
        auto slot = private_pages_.slot_for(first + index, account());
        if (slot) {
            slot->set(*memory + index * page_size);
            continue;
        }
        UnchargeBatch batch;
        for (; index < pages_per_large; ++index)
            mem::drop_tree(*memory + index * page_size, batch);
        return false;
    }
    LockGuard guard(page_table_lock_);
    Tables pages(*this);
    PageTables tables(restricted_root_, pages);
    if (!tables.map(block, huge_page_size, *memory, attributes_of(mapping), 1))
        return false;
    note_large_locked(1);
    resident_pages_ += pages_per_large;
    return true;
}

// Whether all pages of a large one can be written in place.
bool AddressSpace::has_block_alone_locked(VirtAddr block) {
    auto const first = place_of(block);
    for (std::uint64_t done = 0; done < pages_per_large; done += mem::PageTree::fanout) {
        auto const run = private_pages_.run_at(first + done);
        if (~run.present != 0 || !run.is_exclusive)
            return false;
        for (unsigned index = 0; index < mem::PageTree::fanout; ++index) {
            if (mem::is_in_several_trees(mem::page_at(run.frames, index)))
                return false;
        }
    }
    return true;
}

}  // namespace astrata::kernel
