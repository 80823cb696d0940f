// aarch64's part of the programs' vDSO: system calls, the counter, and names as the C libraries look them up.
#pragma once

#include <cstdint>

#define VDSO_NAME(call) "__kernel_" call

namespace astrata::linux_abi {

inline std::int64_t system_call(std::int64_t number, std::uint64_t first, std::uint64_t second,
                                std::uint64_t third = 0) {
    register std::uint64_t x0 asm("x0") = first;
    register std::uint64_t x1 asm("x1") = second;
    register std::uint64_t x2 asm("x2") = third;
    register std::int64_t x8 asm("x8") = number;
    asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
    return static_cast<std::int64_t>(x0);
}

inline std::uint64_t read_counter() {
    std::uint64_t count = 0;
    // Not read early: what comes before it in the program is over (Arm ARM, D12.2.1).
    asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(count)::"memory");
    return count;
}

}  // namespace astrata::linux_abi
