// The machine's page-table format and its root register.
#pragma once

#include <type_traits>

#include "kernel/arch/riscv64/registers.h"
#include "lib/base/units.h"
#include "lib/paging/riscv64.h"

namespace astrata::kernel::arch {

/// Svpbmt. Processors without it know by the address what is memory, and take the bits for an error.
inline constinit bool has_page_memory_types = false;

struct PageFormat : paging::Sv48 {
    static constexpr paging::Entry leaf(PhysAddr page, paging::Attributes attributes, int level) {
        if (!std::is_constant_evaluated())
            attributes.uncached = attributes.uncached && has_page_memory_types;
        return paging::Sv48::leaf(page, attributes, level);
    }
};
static_assert(paging::PageTableFormat<PageFormat>);

/// Every RISC-V machine has leaves on all levels.
inline bool has_gigabyte_pages() {
    return true;
}
/// Privileged architecture, section 4.2.1: what was cached of the tables before has to go by an instruction of its own.
/// There is one address-space identifier, 0; global translations stay.
inline void write_root(std::uint64_t root) {
    write_csr<Csr::satp>(translation_sv48 | root >> 12);
    asm volatile("sfence.vma zero, %0" ::"r"(std::uint64_t{0}) : "memory");
}
inline void load_root(PhysAddr root) {
    write_root(root.value);
    asm volatile("sfence.vma" ::: "memory");
}

}  // namespace astrata::kernel::arch
