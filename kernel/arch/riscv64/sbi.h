// Calls of the firmware (RISC-V Supervisor Binary Interface Specification 1.0).
#pragma once

#include <cstdint>

namespace astrata::kernel::arch::sbi {

struct Answer {
    std::int64_t error = 0;  // section 3: 0 success, negative otherwise
    std::uint64_t value = 0;
};

enum class Extension : std::uint64_t {
    base = 0x10,
    timer = 0x5449'4d45,
    inter_processor = 0x73'5049,
    remote_fence = 0x5246'4e43,
    hart_state = 0x48'534d,
    system_reset = 0x5352'5354,
};

[[gnu::always_inline]] inline Answer call(Extension extension, std::uint64_t function, std::uint64_t argument0 = 0,
                                          std::uint64_t argument1 = 0, std::uint64_t argument2 = 0,
                                          std::uint64_t argument3 = 0, std::uint64_t argument4 = 0) {
    register std::uint64_t a0 asm("a0") = argument0;
    register std::uint64_t a1 asm("a1") = argument1;
    register std::uint64_t a2 asm("a2") = argument2;
    register std::uint64_t a3 asm("a3") = argument3;
    register std::uint64_t a4 asm("a4") = argument4;
    register std::uint64_t a6 asm("a6") = function;
    register std::uint64_t a7 asm("a7") = static_cast<std::uint64_t>(extension);
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7) : "memory");
    return {static_cast<std::int64_t>(a0), a1};
}

/// Section 4.5.
[[nodiscard]] inline bool has(Extension extension) {
    return call(Extension::base, 3, static_cast<std::uint64_t>(extension)).value != 0;
}

}  // namespace astrata::kernel::arch::sbi
