// The 32 levels of urgency: idle at the bottom, then the time-shared band, the upper eight real time.
#pragma once

#include <algorithm>
#include <cstdint>

namespace astrata::kernel::priority {

/// Threads that run when nobody else wants to.
inline constexpr std::uint8_t lowest = 0;
inline constexpr std::uint8_t first_time_shared = 1;
inline constexpr std::uint8_t standard = 16;
inline constexpr std::uint8_t first_real_time = 24;
inline constexpr std::uint8_t highest = 31;
inline constexpr std::uint8_t levels = 32;

/// A time-shared thread sinks at most this many levels below where it rests, and comes back there when it has waited.
inline constexpr std::uint8_t deepest_sink = 8;

/// One level down for a thread that has used up its slice. Real time and idle threads stay where they are.
[[nodiscard]] constexpr std::uint8_t sunk(std::uint8_t effective, std::uint8_t resting) {
    if (resting >= first_real_time || resting < first_time_shared)
        return effective;
    auto const floor = std::max<int>(resting - deepest_sink, first_time_shared);
    return effective > floor ? static_cast<std::uint8_t>(effective - 1) : effective;
}

/// Where threads queue whose silo has had more than its share of time: below those of the others, in their own order.
[[nodiscard]] constexpr std::uint8_t over_share(std::uint8_t effective) {
    if (effective >= first_real_time || effective < first_time_shared)
        return effective;
    return static_cast<std::uint8_t>(first_time_shared + effective / 4);
}

}  // namespace astrata::kernel::priority
