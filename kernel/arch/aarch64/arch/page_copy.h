// Clearing and copying whole pages. DC ZVA clears a block whose size the processor tells (Arm ARM, section C5.3.8).
#pragma once

#include <cstddef>

#include "arch/cpu.h"
#include "lib/base/units.h"

namespace astrata::kernel::arch {

inline void clear_page(std::byte* page) {
    constexpr std::uint64_t is_prohibited = 1U << 4;  // DZP
    auto const blocks = ASTRATA_READ_REGISTER("dczid_el0");
    auto const step = (blocks & is_prohibited) != 0 ? std::uint64_t{16} : std::uint64_t{4} << (blocks & 0xf);
    auto at = reinterpret_cast<std::uint64_t>(page);
    auto const end = at + page_size;
    if ((blocks & is_prohibited) == 0 && step <= page_size) [[likely]] {
        for (; at != end; at += step)
            asm volatile("dc zva, %0" ::"r"(at) : "memory");
        return;
    }
    for (; at != end; at += 16)
        asm volatile("stp xzr, xzr, [%0]" ::"r"(at) : "memory");
}

inline void copy_page(std::byte* to, std::byte const* from) {
    constexpr std::uint32_t block = 64;
    auto blocks = static_cast<std::uint32_t>(page_size / block);
    std::uint64_t first, second, third, fourth;
    asm volatile("1:\n\t"
                 ".set offset, 0\n\t"
                 ".rept 2\n\t"
                 "ldp %[first], %[second], [%[from], #offset]\n\t"
                 "ldp %[third], %[fourth], [%[from], #offset + 16]\n\t"
                 "stp %[first], %[second], [%[to], #offset]\n\t"
                 "stp %[third], %[fourth], [%[to], #offset + 16]\n\t"
                 ".set offset, offset + 32\n\t"
                 ".endr\n\t"
                 "add %[from], %[from], #64\n\t"
                 "add %[to], %[to], #64\n\t"
                 "subs %w[blocks], %w[blocks], #1\n\t"
                 "b.ne 1b"
                 : [to] "+r"(to), [from] "+r"(from), [blocks] "+r"(blocks), [first] "=&r"(first),
                   [second] "=&r"(second), [third] "=&r"(third), [fourth] "=&r"(fourth)
                 :
                 : "memory", "cc");
}

}  // namespace astrata::kernel::arch
