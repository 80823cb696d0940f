// riscv64's part of the programs' vDSO: system calls, the counter, and names as the C libraries look them up.
#pragma once

#include <cstdint>

#define VDSO_NAME(call) "__vdso_" call

namespace astrata::linux_abi {

inline std::int64_t system_call(std::int64_t number, std::uint64_t first, std::uint64_t second,
                                std::uint64_t third = 0) {
    register std::uint64_t a0 asm("a0") = first;
    register std::uint64_t a1 asm("a1") = second;
    register std::uint64_t a2 asm("a2") = third;
    register std::int64_t a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
    return static_cast<std::int64_t>(a0);
}

inline std::uint64_t read_counter() {
    std::uint64_t count = 0;
    asm volatile("rdtime %0" : "=r"(count));
    return count;
}

}  // namespace astrata::linux_abi
