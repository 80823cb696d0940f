// The page in front of the vDSO's code: written by Bedrock, read by everybody.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/boot_options/copy_method.h"

namespace astrata {

struct VdsoData {
    std::uint64_t counter_base;                 ///< counter value at time 0
    std::uint64_t multiplier;                   ///< nanoseconds per tick, scaled by 2^32
    std::atomic<std::uint64_t> wall_offset_ns;  ///< wall-clock time at monotonic time 0, since 1970-01-01T00:00Z
    bool guards_user_memory;                    ///< kernel mode reaches user pages only where it says so
    bool has_atomic_instructions;               ///< on machines where not every processor has them
    CopyMethod copy_method;
};

}  // namespace astrata
