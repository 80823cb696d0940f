// Clearing and copying whole pages in words.
// Budget: 650 instructions to clear a page, 1,100 to copy one.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel::arch {

inline void clear_page(std::byte* page) {
    auto const end = reinterpret_cast<std::uint64_t>(page) + page_size;
    asm volatile("1:\n\t"
                 ".set offset, 0\n\t"
                 ".rept 16\n\t"
                 "sd zero, offset(%0)\n\t"
                 ".set offset, offset + 8\n\t"
                 ".endr\n\t"
                 "addi %0, %0, 128\n\t"
                 "bne %0, %1, 1b"
                 : "+r"(page)
                 : "r"(end)
                 : "memory");
}

inline void copy_page(std::byte* to, std::byte const* from) {
    auto const end = reinterpret_cast<std::uint64_t>(to) + page_size;
    std::uint64_t first;
    std::uint64_t second;
    asm volatile("1:\n\t"
                 ".set offset, 0\n\t"
                 ".rept 8\n\t"
                 "ld %2, offset(%1)\n\t"
                 "ld %3, offset+8(%1)\n\t"
                 "sd %2, offset(%0)\n\t"
                 "sd %3, offset+8(%0)\n\t"
                 ".set offset, offset + 16\n\t"
                 ".endr\n\t"
                 "addi %1, %1, 128\n\t"
                 "addi %0, %0, 128\n\t"
                 "bne %0, %4, 1b"
                 : "+r"(to), "+r"(from), "=&r"(first), "=&r"(second)
                 : "r"(end)
                 : "memory");
}

}  // namespace astrata::kernel::arch
