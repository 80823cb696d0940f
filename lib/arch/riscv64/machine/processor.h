// What code of every privilege may ask this machine's processors.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata {

inline constexpr std::string_view machine_name = "riscv64";

/// The counter that time is computed from: the same on every processor, always rising.
inline std::uint64_t read_counter() {
    std::uint64_t ticks;
    asm volatile("rdtime %0" : "=r"(ticks));
    return ticks;
}

/// Called in every round of a loop that waits for another processor.
inline void pause_briefly() {
    asm volatile(".insn i 0x0f, 0, x0, x0, 0x010" ::: "memory");  // pause: a hint, known to every processor
}

}  // namespace astrata
