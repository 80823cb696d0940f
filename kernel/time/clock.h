// Monotonic time from the processor's counter. The counter's rate is taken from where the machine tells it; otherwise it is
// measured against a timer of known rate *while boot goes on*, so that nothing ever waits.
#pragma once

#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel::clock {

/// Nanoseconds since Bedrock's first instruction; approximate until settle().
[[nodiscard]] MonotonicNs now();

/// The first instruction's counter value and the reference timer's; call once, early.
void start();
/// Ends the measurement that start() began. Rates are final afterwards.
void settle();

[[nodiscard]] std::uint64_t counter_frequency_hz();
/// Counter ticks that pass in `nanoseconds`, saturating.
[[nodiscard]] std::uint64_t ticks_for(std::uint64_t nanoseconds);
[[nodiscard]] std::uint64_t ns_from_ticks(std::uint64_t ticks);

/// The counter's value at a point in time; saturates for far deadlines.
[[nodiscard]] std::uint64_t counter_at(MonotonicNs time);

/// What the vDSO needs to compute now() in user mode: ns = (counter - base) * multiplier / 2^32.
struct Conversion {
    std::uint64_t counter_base;
    std::uint64_t multiplier;
};
[[nodiscard]] Conversion conversion();

}  // namespace astrata::kernel::clock
