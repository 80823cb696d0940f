// The processor's random number generator (Intel SDM volume 1, section 7.3.17).
#pragma once

#include <cstdint>

#include "kernel/arch/x86_64/features.h"

namespace astrata::kernel::arch {

/// False if there is none, or if it has nothing to give just now.
[[nodiscard]] inline bool read_hardware_random(std::uint64_t& value) {
    bool is_valid = false;
    for (int tries = 0; tries < 10 && !is_valid; ++tries) {
        if (features.has_rdseed)
            asm volatile("rdseed %0" : "=r"(value), "=@ccc"(is_valid)::"cc");
        else if (features.has_rdrand)
            asm volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid)::"cc");
        else
            return false;
    }
    return is_valid;
}

}  // namespace astrata::kernel::arch
