// The machine's page-table format and its root registers.
//
// Addresses have 47 bits and a sign (TCR_EL1.T0SZ = T1SZ = 17), so that a root has 256 entries for each half. A root of
// an address space is a page as on machines with one root register: TTBR0_EL1 holds the space's, whose first half is
// used, TTBR1_EL1 the second half of the kernel's, always.
#pragma once

#include "arch/cpu.h"
#include "lib/base/units.h"
#include "lib/paging/aarch64.h"

namespace astrata::kernel::arch {

using PageFormat = paging::Aarch64;

inline bool has_gigabyte_pages() {
    return true;
}

/// The program's half of the address space. Translations of the one before are gone afterwards.
[[gnu::always_inline]] inline void load_user_root(std::uint64_t root) {
    asm volatile("msr ttbr0_el1, %0\n\t"
                 "isb\n\t"
                 "tlbi aside1, xzr\n\t"  // all have the same identifier, 0
                 "dsb nsh\n\t"
                 "isb" ::"r"(root)
                 : "memory");
}
/// The kernel's root, in both halves.
void load_root(PhysAddr root);

}  // namespace astrata::kernel::arch
