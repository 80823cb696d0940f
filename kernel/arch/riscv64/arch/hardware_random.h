// The processor's random number generator, if it has one: none that supervisor code may use without the firmware's
// leave (Zkr) is known to be open to it. What the devicetree brings (/chosen, rng-seed) stands in once.
#pragma once

#include <cstdint>
#include <string_view>

namespace astrata::kernel::arch {

/// For the log.
[[nodiscard]] std::string_view hardware_random_source();
/// False if there is none, or if it has nothing to give any more.
[[nodiscard]] bool read_hardware_random(std::uint64_t& value);

}  // namespace astrata::kernel::arch
