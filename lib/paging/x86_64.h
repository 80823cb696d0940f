// x86_64, four levels. Intel SDM volume 3, sections 4.5 (4-level paging) and 4.9 (memory typing).
#pragma once

#include "lib/paging/format.h"

namespace astrata::paging {

struct X86_64 {
    static constexpr int levels = 4;
    static constexpr int highest_leaf_level = 2;  // where CPUID says so; else 1

    static constexpr Entry present = 1U << 0;            // P
    static constexpr Entry writable = 1U << 1;           // R/W
    static constexpr Entry user = 1U << 2;               // U/S
    static constexpr Entry write_through = 1U << 3;      // PWT
    static constexpr Entry cache_disabled = 1U << 4;     // PCD; PWT and PCD together select PAT 3: uncacheable at reset
    static constexpr Entry accessed = 1U << 5;           // A
    static constexpr Entry dirty = 1U << 6;              // D
    static constexpr Entry large = 1U << 7;              // PS
    static constexpr Entry global = 1U << 8;             // G
    static constexpr Entry no_execute = Entry{1} << 63;  // XD
    static constexpr Entry address_mask = 0x000f'ffff'ffff'f000;

    // Accessed and dirty are set from the start: nobody reads them, and the processor need not write them back then.
    static constexpr Entry leaf(PhysAddr page, Attributes attributes, int level) {
        return page.value | present | accessed | dirty | (attributes.write ? writable : 0) |
               (attributes.user ? user : 0) | (attributes.global ? global : 0) | (level > 0 ? large : 0) |
               (attributes.uncached ? write_through | cache_disabled : 0) | (attributes.execute ? 0 : no_execute);
    }
    /// A leaf made for address 0, for another page.
    static constexpr Entry with_page(Entry leaf, PhysAddr page) { return leaf | page.value; }
    static constexpr Entry table(PhysAddr page) { return page.value | present | writable | user | accessed; }
    static constexpr bool is_present(Entry entry) { return (entry & present) != 0; }
    static constexpr bool is_leaf(Entry entry, int level) { return level == 0 || (entry & large) != 0; }
    static constexpr PhysAddr address(Entry entry, int level) {
        return {align_down(entry & address_mask, bytes_of(level > 0 && (entry & large) != 0 ? level : 0))};
    }
    static constexpr Attributes attributes(Entry entry, int) {
        return {.write = (entry & writable) != 0,
                .execute = (entry & no_execute) == 0,
                .user = (entry & user) != 0,
                .global = (entry & global) != 0,
                .uncached = (entry & cache_disabled) != 0};
    }
    static constexpr bool is_writable(Entry entry) { return (entry & writable) != 0; }
    static constexpr Entry without_write(Entry entry) { return entry & ~writable; }
};
static_assert(PageTableFormat<X86_64>);

}  // namespace astrata::paging
