// What code of every privilege may ask this machine's processors.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata {

inline constexpr std::string_view machine_name = "aarch64";

/// The counter that time is computed from: the same on every processor, always rising.
inline std::uint64_t read_counter() {
    std::uint64_t ticks;
    // Else it might be read before what came earlier is done.
    asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

/// Called in every round of a loop that waits for another processor.
inline void pause_briefly() {
    asm volatile("yield" ::: "memory");
}

}  // namespace astrata
