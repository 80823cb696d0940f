// Clearing and copying whole pages.
#pragma once

#include <cstddef>
#include <cstring>

#include "lib/base/units.h"

namespace astrata::kernel::arch {

#pragma clang unsafe_buffer_usage begin  // whole pages by contract
inline void clear_page(std::byte* page) {
    std::memset(page, 0, page_size);
}
inline void copy_page(std::byte* to, std::byte const* from) {
    std::memcpy(to, from, page_size);
}
#pragma clang unsafe_buffer_usage end

}  // namespace astrata::kernel::arch
