// The registers of two clocks that only count.
#pragma once

#include <optional>

#include "lib/base/result.h"
#include "lib/mmio/registers.h"

namespace astrata::platform_rtc {

/// Nanoseconds since 1970, as the clock of this kind ("pl031", "goldfish-rtc") has them.
/// errors    not_supported (another kind), corrupt (a time that fits into no clock of ours)
[[nodiscard]] inline Result<std::uint64_t> read_time(mmio::Window registers, std::string_view kind) {
    constexpr std::uint64_t second = 1'000'000'000;
    // Arm PrimeCell Real Time Clock (PL031) manual, section 3.3.1, RTCDR: seconds.
    if (kind == "pl031")
        return registers.read_at<std::uint32_t>(0) * second;
    // Goldfish virtual hardware, real-time clock: nanoseconds; reading TIME_LOW latches TIME_HIGH.
    if (kind == "goldfish-rtc") {
        std::uint64_t const low = registers.read_at<std::uint32_t>(0);
        std::uint64_t const high = registers.read_at<std::uint32_t>(4);
        auto const time = high << 32 | low;
        return time >> 63 == 0 ? Result<std::uint64_t>(time) : fail(Error::corrupt);
    }
    return fail(Error::not_supported);
}

}  // namespace astrata::platform_rtc
