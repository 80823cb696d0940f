// The processor's random number generator (Arm ARM, section C5.2.15: RNDRRS, RNDR).
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/arch/aarch64/features.h"

namespace astrata::kernel::arch {

/// For the log.
[[nodiscard]] inline std::string_view hardware_random_source() {
    return features.has_random ? "RNDR" : "nothing but times: the processor has no generator";
}

/// False if there is none, or if it has nothing to give just now.
[[nodiscard]] inline bool read_hardware_random(std::uint64_t& value) {
    constexpr int attempts = 10;
    std::uint64_t is_valid = 0;
    for (int tries = 0; features.has_random && tries < attempts && is_valid == 0; ++tries)
        asm volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, ne" : "=r"(value), "=r"(is_valid)::"cc");  // RNDR
    return is_valid != 0;
}

}  // namespace astrata::kernel::arch
