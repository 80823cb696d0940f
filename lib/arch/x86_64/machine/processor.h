// What code of every privilege may ask this machine's processors.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata {

inline constexpr std::string_view machine_name = "x86_64";

/// The counter that time is computed from: the same on every processor, always rising.
inline std::uint64_t read_counter() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}

/// Called in every round of a loop that waits for another processor.
inline void pause_briefly() {
    asm volatile("pause" ::: "memory");
}

}  // namespace astrata
