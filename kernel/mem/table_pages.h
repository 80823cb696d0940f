// Page tables in frames: the TableMemory of the kernel's and of user address spaces.
#pragma once

#include "arch/direct_map.h"
#include "arch/paging.h"
#include "kernel/mem/account.h"
#include "kernel/mem/frames.h"
#include "lib/paging/page_tables.h"

namespace astrata::kernel::mem {

#pragma clang unsafe_buffer_usage begin  // a table is a page of entries by the machine's definition
inline paging::TableEntries table_entries(PhysAddr table) {
    return paging::TableEntries(reinterpret_cast<paging::Entry*>(arch::phys_to_virt(table)), paging::entries_per_table);
}
#pragma clang unsafe_buffer_usage end

/// Kept with the table's frame.
inline std::uint64_t table_groups(PhysAddr table) {
    return frame_of(table).word.load(std::memory_order_relaxed);
}
inline void add_table_groups(PhysAddr table, unsigned first, unsigned last) {
    auto const groups = ~std::uint64_t{0} >> (63 - last) & ~std::uint64_t{0} << first;
    auto& word = frame_of(table).word;  // changed under the page-table lock only
    word.store(word.load(std::memory_order_relaxed) | groups, std::memory_order_relaxed);
}

/// Table pages that were taken out of use while processors may still walk them; freed after the TLBs were flushed.
class RetiredTables {
public:
    RetiredTables() = default;
    RetiredTables(RetiredTables const&) = delete;
    RetiredTables& operator=(RetiredTables const&) = delete;
    ~RetiredTables() {
        if (first_.value != 0) [[unlikely]]
            release();
    }

    void add(PhysAddr table) {
        frame_of(table).word.store(first_.value, std::memory_order_relaxed);
        first_ = table;
    }
    [[nodiscard]] bool is_empty() const { return first_.value == 0; }
    /// After the flush.
    void release() {
        UnchargeBatch batch;
        while (first_.value != 0) {
            auto const table = first_;
            first_ = {frame_of(table).word.load(std::memory_order_relaxed)};
            batch.add(frame_of(table).account, page_size);
            // A table without entries is a page of zeroes.
            free_frame(table, frame_of(table).extra == 0 ? Contents::zero : Contents::unknown);
        }
    }

private:
    PhysAddr first_;
};

/// The kernel's own tables: paid for by nobody, roots copied only after the root is complete.
class KernelTablePages {
public:
    static paging::TableEntries entries(PhysAddr table) { return table_entries(table); }
    static std::uint32_t& used(PhysAddr table) { return frame_of(table).extra; }
    // Tables from before there were frames have no counts; they are few and full.
    static std::uint64_t groups(PhysAddr) { return ~std::uint64_t{0}; }
    static void add_group(PhysAddr, unsigned) {}
    static Result<PhysAddr> allocate() { return allocate_frame(FrameKind::page_table, Zero::yes); }
    void free(PhysAddr table) { retired.add(table); }
    static void root_entry_added(unsigned, paging::Entry) {}

    RetiredTables retired;
};

}  // namespace astrata::kernel::mem
