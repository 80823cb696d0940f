// Clearing whole pages with unrolled 16-byte moves, copying them by what choose_copy_method found: 8-byte moves or a string
// instruction. A copy in 16-byte moves has half the instructions of one in words, but takes half as long again under
// emulation, because the emulated vector registers live in memory.
// Budget: 280 instructions to clear a page; 520 to copy one with string instructions, 1,050 without (anon_fault and cow_fault
// watch them).
//
// The kernel is built without vector registers, so they hold the state of some thread. Clearing borrows one of them, which is put
// back before anybody may store or load that state: no thread is switched to or from meanwhile.
#pragma once

#include <array>
#include <cstddef>

#include "arch/copy_method.h"
#include "arch/cpu.h"
#include "lib/base/units.h"

namespace astrata::kernel::arch {

inline void clear_page(std::byte* page) {
    constexpr std::uint32_t block = 1024;
    auto blocks = static_cast<std::uint32_t>(page_size / block);
    std::array<std::uint64_t, 2> saved;
    disable_preemption();
    asm volatile("movups %%xmm0, %[saved]\n\t"
                 "xorps %%xmm0, %%xmm0\n"
                 "1:\n\t"
                 ".set offset, 0\n\t"
                 ".rept 64\n\t"
                 "movaps %%xmm0, offset(%[page])\n\t"
                 ".set offset, offset + 16\n\t"
                 ".endr\n\t"
                 "addq %[block], %[page]\n\t"
                 "decl %[blocks]\n\t"
                 "jnz 1b\n\t"
                 "movups %[saved], %%xmm0"
                 : [page] "+r"(page), [blocks] "+r"(blocks), [saved] "=m"(saved)
                 : [block] "i"(block)
                 : "memory", "cc");
    enable_preemption();
}

inline void copy_page(std::byte* to, std::byte const* from) {
    auto const method = copy_method();
    if (method == CopyMethod::string_words) {
        auto words = page_size / sizeof(std::uint64_t);
        asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
        return;
    }
    if (method == CopyMethod::string_bytes) {
        auto bytes = page_size;
        asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
        return;
    }
    auto blocks = static_cast<std::uint32_t>(page_size / 1024);
    std::uint64_t first;
    std::uint64_t second;
    asm volatile("1:\n\t"
                 ".set offset, 0\n\t"
                 ".rept 64\n\t"
                 "movq offset(%[from]), %[first]\n\t"
                 "movq offset+8(%[from]), %[second]\n\t"
                 "movq %[first], offset(%[to])\n\t"
                 "movq %[second], offset+8(%[to])\n\t"
                 ".set offset, offset + 16\n\t"
                 ".endr\n\t"
                 "addq $1024, %[from]\n\t"
                 "addq $1024, %[to]\n\t"
                 "decl %[blocks]\n\t"
                 "jnz 1b"
                 : [to] "+r"(to), [from] "+r"(from), [blocks] "+r"(blocks), [first] "=&r"(first), [second] "=&r"(second)
                 :
                 : "memory", "cc");
}

}  // namespace astrata::kernel::arch
