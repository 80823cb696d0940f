// How the kernel is entered, for C++ and assembler files. Both forms are alike: number in a7, arguments in a0 to a5; status comes
// back in a0, results in a1, a2, a3. Bedrock may change every register that functions may change, ra only where it is called.
#pragma once

#ifdef ASTRATA_HOSTED_IN_KERNEL
// Native code that is hosted in the kernel finds the way in its processor's data (kernel/arch/riscv64/arch/per_cpu.h).
#define ENTER_KERNEL ld t0, 64(tp); jalr t0
#define ENTER_KERNEL_CHANGES , "ra"
#else
#define ENTER_KERNEL ecall
#define ENTER_KERNEL_CHANGES
#endif

#ifndef __ASSEMBLER__
#include <concepts>
#include <cstdint>

namespace astrata {

struct KernelResult {
    std::uint64_t status;
    std::uint64_t first, second, third;
};

#define ASTRATA_TEXT_OF(...) #__VA_ARGS__
#define ASTRATA_TEXT(...) ASTRATA_TEXT_OF(__VA_ARGS__)
// Registers beyond the arguments are only changed by the call, so nothing is loaded into them.
#define ASTRATA_ARGUMENT(place, name)                 \
    register std::uint64_t name asm(#name);           \
    if constexpr (sizeof...(words) > (place))         \
        name = words...[place];                       \
    else                                              \
        asm("" : "=r"(name))

template <std::same_as<std::uint64_t>... Words>
    requires(sizeof...(Words) <= 6)
[[gnu::always_inline]] inline KernelResult enter_kernel(std::uint64_t number, Words... words) {
    register std::uint64_t a7 asm("a7") = number;
    ASTRATA_ARGUMENT(0, a0);
    ASTRATA_ARGUMENT(1, a1);
    ASTRATA_ARGUMENT(2, a2);
    ASTRATA_ARGUMENT(3, a3);
    ASTRATA_ARGUMENT(4, a4);
    ASTRATA_ARGUMENT(5, a5);
    asm volatile(ASTRATA_TEXT(ENTER_KERNEL)
                 : "+r"(a7), "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5)
                 :
                 : "a6", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "memory" ENTER_KERNEL_CHANGES);
    return {.status = a0, .first = a1, .second = a2, .third = a3};
}

#undef ASTRATA_ARGUMENT
#undef ASTRATA_TEXT
#undef ASTRATA_TEXT_OF

}  // namespace astrata
#endif
