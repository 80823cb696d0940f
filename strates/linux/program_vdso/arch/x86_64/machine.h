// x86_64's part of the programs' vDSO: system calls, the counter, and names as the C libraries look them up.
#pragma once

#include <cstdint>

#define VDSO_NAME(call) "__vdso_" call

namespace astrata::linux_abi {

inline std::int64_t system_call(std::int64_t number, std::uint64_t first, std::uint64_t second,
                                std::uint64_t third = 0) {
    asm volatile("syscall" : "+a"(number) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return number;
}

inline std::uint64_t read_counter() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}

}  // namespace astrata::linux_abi
