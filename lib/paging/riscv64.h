// RISC-V Sv39 and Sv48. The RISC-V Instruction Set Manual, volume II, sections 11.4 and 11.5; Svpbmt in chapter 13.
#pragma once

#include "lib/paging/format.h"

namespace astrata::paging {

template <int level_count>
struct Riscv64 {
    static constexpr int levels = level_count;
    static constexpr int highest_leaf_level = 2;

    static constexpr Entry valid = 1U << 0;             // V
    static constexpr Entry readable = 1U << 1;          // R
    static constexpr Entry writable = 1U << 2;          // W
    static constexpr Entry executable = 1U << 3;        // X
    static constexpr Entry user = 1U << 4;              // U
    static constexpr Entry global = 1U << 5;            // G
    static constexpr Entry accessed = 1U << 6;          // A
    static constexpr Entry dirty = 1U << 7;             // D
    static constexpr Entry io_memory = Entry{2} << 61;  // PBMT = IO
    static constexpr unsigned address_shift = 2;        // physical page number in bits 10-53
    static constexpr Entry address_mask = 0x003f'ffff'ffff'fc00;

    static constexpr Entry leaf(PhysAddr page, Attributes attributes, int) {
        return page.value >> address_shift | valid | readable | accessed | dirty | (attributes.write ? writable : 0) |
               (attributes.execute ? executable : 0) | (attributes.user ? user : 0) | (attributes.global ? global : 0) |
               (attributes.uncached ? io_memory : 0);
    }
    /// A leaf made for address 0, for another page.
    static constexpr Entry with_page(Entry leaf, PhysAddr page) { return leaf | page.value >> address_shift; }
    static constexpr Entry table(PhysAddr page) { return page.value >> address_shift | valid; }
    static constexpr bool is_present(Entry entry) { return (entry & valid) != 0; }
    static constexpr bool is_leaf(Entry entry, int) { return (entry & (readable | executable)) != 0; }
    static constexpr PhysAddr address(Entry entry, int) { return {(entry & address_mask) << address_shift}; }
    static constexpr Attributes attributes(Entry entry, int level) {
        // A table's entry leaves everything to those below it (section 11.3.1).
        if (!is_leaf(entry, level))
            return {.write = true, .execute = true, .user = true};
        return {.write = (entry & writable) != 0,
                .execute = (entry & executable) != 0,
                .user = (entry & user) != 0,
                .global = (entry & global) != 0,
                .uncached = (entry & io_memory) != 0};
    }
    static constexpr bool is_writable(Entry entry) { return (entry & writable) != 0; }
    static constexpr Entry without_write(Entry entry) { return entry & ~writable; }
};
using Sv39 = Riscv64<3>;
using Sv48 = Riscv64<4>;
static_assert(PageTableFormat<Sv39> && PageTableFormat<Sv48>);

}  // namespace astrata::paging
