// How the kernel is entered, for C++ and assembler files. Both forms are alike: number in x8, arguments in x0 to x5; status comes
// back in x0, results in x1, x2, x3. Bedrock may change every register that functions may change, x30 only where it is called.
#pragma once

#ifdef ASTRATA_HOSTED_IN_KERNEL
// Native code that is hosted in the kernel finds the way in its processor's data (kernel/arch/aarch64/arch/per_cpu.h).
#define ENTER_KERNEL mrs x16, tpidr_el1; ldr x16, [x16, #64]; blr x16
#define ENTER_KERNEL_CHANGES , "x30"
#else
#define ENTER_KERNEL svc #0
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
    register std::uint64_t x8 asm("x8") = number;
    ASTRATA_ARGUMENT(0, x0);
    ASTRATA_ARGUMENT(1, x1);
    ASTRATA_ARGUMENT(2, x2);
    ASTRATA_ARGUMENT(3, x3);
    ASTRATA_ARGUMENT(4, x4);
    ASTRATA_ARGUMENT(5, x5);
    asm volatile(ASTRATA_TEXT(ENTER_KERNEL)
                 : "+r"(x8), "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
                 :
                 : "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "cc",
                   "memory" ENTER_KERNEL_CHANGES);
    return {.status = x0, .first = x1, .second = x2, .third = x3};
}

#undef ASTRATA_ARGUMENT
#undef ASTRATA_TEXT
#undef ASTRATA_TEXT_OF

}  // namespace astrata
#endif
