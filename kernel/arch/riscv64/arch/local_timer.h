// This CPU's one-shot timer.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

/// Interrupts once, when the counter reaches `deadline_ticks` (at once if it has); ~0 stops it.
void arm_timer(std::uint64_t deadline_ticks);

}  // namespace astrata::kernel::arch
