// The instruction that enters the kernel, for C++ and assembler files. Both forms leave everything as `syscall` does: number in
// rax, arguments in rdi, rsi, rdx, r10, r8, r9; status comes back in rax, results in rdx, rdi, rsi. Bedrock may change every
// argument register, rcx and r11.
#pragma once

#ifdef ASTRATA_HOSTED_IN_KERNEL
// Native code that is hosted in the kernel finds the way in its processor's data (kernel/arch/x86_64/arch/per_cpu.h).
#define ENTER_KERNEL "callq *%%gs:64"
#define ENTER_KERNEL_INSTRUCTION callq *%gs:64
#else
#define ENTER_KERNEL "syscall"
#define ENTER_KERNEL_INSTRUCTION syscall
#endif

#ifndef __ASSEMBLER__
#include <concepts>
#include <cstdint>

namespace astrata {

struct KernelResult {
    std::uint64_t status;
    std::uint64_t first, second, third;
};

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
    ASTRATA_ARGUMENT(0, rdi);
    ASTRATA_ARGUMENT(1, rsi);
    ASTRATA_ARGUMENT(2, rdx);
    ASTRATA_ARGUMENT(3, r10);
    ASTRATA_ARGUMENT(4, r8);
    ASTRATA_ARGUMENT(5, r9);
    asm volatile(ENTER_KERNEL
                 : "+a"(number), "+r"(rdi), "+r"(rsi), "+r"(rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                 :
                 : "rcx", "r11", "memory");
    return {.status = number, .first = rdx, .second = rdi, .third = rsi};
}

#undef ASTRATA_ARGUMENT

}  // namespace astrata
#endif
