// The CMOS real-time clock (MC146818A data sheet; the century register is an addition of PCs): registers to Unix time.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::cmos_rtc {

/// How its registers are reached.
class Registers {
public:
    virtual std::uint8_t read(std::uint8_t index) = 0;

protected:
    ~Registers() = default;
};

/// Seconds since 1970-01-01T00:00:00 of the clock's time, taken as UTC.
/// errors    timed_out (an update that never ends, or values that never settle: no clock), corrupt (impossible values)
[[nodiscard]] Result<std::int64_t> read_time(Registers& registers);

/// Days from 1970-01-01 to a date of the Gregorian calendar; month 1..12, day 1..31.
[[nodiscard]] std::int64_t days_since_1970(std::int64_t year, unsigned month, unsigned day);

}  // namespace astrata::cmos_rtc
