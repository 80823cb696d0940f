// The machine's page-table format and its root register.
#pragma once

#include "arch/cpu.h"
#include "kernel/arch/x86_64/features.h"
#include "lib/base/units.h"
#include "lib/paging/x86_64.h"

namespace astrata::kernel::arch {

using PageFormat = paging::X86_64;

inline bool has_gigabyte_pages() {
    return features.has_gigabyte_pages;
}
inline void load_root(PhysAddr root) {
    write_cr3(root.value);
}

}  // namespace astrata::kernel::arch
