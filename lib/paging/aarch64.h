// AArch64 stage 1, 4 KiB granule, 48-bit addresses. Arm ARM DDI 0487, section D8.3 (translation table descriptor
// formats).
#pragma once

#include "lib/paging/format.h"

namespace astrata::paging {

struct Aarch64 {
    static constexpr int levels = 4;
    static constexpr int highest_leaf_level = 2;

    static constexpr Entry valid = 1U << 0;
    static constexpr Entry table_or_page = 1U << 1;    // clear in a block descriptor
    static constexpr Entry device_memory = 1U << 2;    // AttrIndx: MAIR index 0 is normal memory, 1 is device memory
    static constexpr Entry user = 1U << 6;             // AP[1]
    static constexpr Entry read_only = 1U << 7;        // AP[2]
    static constexpr Entry inner_shareable = 3U << 8;  // SH
    static constexpr Entry accessed = 1U << 10;        // AF
    static constexpr Entry not_global = 1U << 11;      // nG
    static constexpr Entry kernel_no_execute = Entry{1} << 53;  // PXN
    static constexpr Entry user_no_execute = Entry{1} << 54;    // UXN
    static constexpr Entry address_mask = 0x0000'ffff'ffff'f000;

    // A page is executable at one privilege level only.
    static constexpr Entry leaf(PhysAddr page, Attributes attributes, int level) {
        Entry entry = page.value | valid | accessed | inner_shareable | (level == 0 ? table_or_page : 0);
        entry |= attributes.write ? 0 : read_only;
        entry |= attributes.global ? 0 : not_global;
        entry |= attributes.uncached ? device_memory : 0;
        entry |= attributes.user ? user | kernel_no_execute : user_no_execute;
        if (!attributes.execute)
            entry |= kernel_no_execute | user_no_execute;
        return entry;
    }
    /// A leaf made for address 0, for another page.
    static constexpr Entry with_page(Entry leaf, PhysAddr page) { return leaf | page.value; }
    static constexpr Entry table(PhysAddr page) { return page.value | valid | table_or_page; }
    static constexpr bool is_present(Entry entry) { return (entry & valid) != 0; }
    static constexpr bool is_leaf(Entry entry, int level) { return level == 0 || (entry & table_or_page) == 0; }
    static constexpr PhysAddr address(Entry entry, int level) {
        return {align_down(entry & address_mask, bytes_of(is_leaf(entry, level) ? level : 0))};
    }
    static constexpr Attributes attributes(Entry entry, int) {
        bool const for_user = (entry & user) != 0;
        return {.write = (entry & read_only) == 0,
                .execute = (entry & (for_user ? user_no_execute : kernel_no_execute)) == 0,
                .user = for_user,
                .global = (entry & not_global) == 0,
                .uncached = (entry & device_memory) != 0};
    }
    static constexpr bool is_writable(Entry entry) { return (entry & read_only) == 0; }
    static constexpr Entry without_write(Entry entry) { return entry | read_only; }
};
static_assert(PageTableFormat<Aarch64>);

}  // namespace astrata::paging
