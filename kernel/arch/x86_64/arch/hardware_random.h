// The processor's random number generator (Intel SDM volume 1, section 7.3.17).
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/arch/x86_64/features.h"

namespace astrata::kernel::arch {

/// For the log.
[[nodiscard]] inline std::string_view hardware_random_source() {
    return features.has_rdseed ? "RDSEED" : features.has_rdrand ? "RDRAND" : "nothing but times: the processor has no generator";
}

/// False if there is none, or if it has nothing to give just now.
[[nodiscard]] inline bool read_hardware_random(std::uint64_t& value) {
    constexpr int attempts = 10;   // for each; the manual's number
    bool is_valid = false;
    for (int tries = 0; features.has_rdseed && tries < attempts && !is_valid; ++tries)
        asm volatile("rdseed %0" : "=r"(value), "=@ccc"(is_valid)::"cc");
    // All CPUs share RDSEED's source, which many readers exhaust; RDRAND stretches it.
    for (int tries = 0; features.has_rdrand && tries < attempts && !is_valid; ++tries)
        asm volatile("rdrand %0" : "=r"(value), "=@ccc"(is_valid)::"cc");
    return is_valid;
}

}  // namespace astrata::kernel::arch
