// Page tables on the host: the x86_64 format in the test's arena; nothing is ever loaded.
#pragma once

#include "lib/base/units.h"
#include "lib/paging/x86_64.h"

namespace astrata::kernel::arch {

using PageFormat = paging::X86_64;

inline bool has_gigabyte_pages() {
    return true;
}
inline void load_root(PhysAddr) {}

}  // namespace astrata::kernel::arch
