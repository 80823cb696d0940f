// The page in front of the programs' vDSO: how the counter's ticks become time. Written once, before the first program
// runs.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct ProgramClock {
    std::uint64_t counter_base = 0;  ///< counter value at monotonic time 0
    std::uint64_t multiplier = 0;    ///< nanoseconds per tick, scaled by 2^32
};

}  // namespace astrata::linux_abi
