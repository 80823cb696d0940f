// Where the host's tests tell AddressSanitizer about free memory; the kernel itself has none.
#pragma once

#include <cstddef>

namespace astrata::kernel::arch {

inline void note_memory_free(void const*, std::size_t) {}
inline void note_memory_used(void const*, std::size_t) {}

}  // namespace astrata::kernel::arch
