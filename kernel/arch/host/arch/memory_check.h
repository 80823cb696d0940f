// Tells AddressSanitizer which memory of the arena nobody may touch.
#pragma once

#include <cstddef>

#include <sanitizer/asan_interface.h>

namespace astrata::kernel::arch {

inline void note_memory_free(void const* memory, std::size_t size) {
    ASAN_POISON_MEMORY_REGION(memory, size);
}
inline void note_memory_used(void const* memory, std::size_t size) {
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
}

}  // namespace astrata::kernel::arch
