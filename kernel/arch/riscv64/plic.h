// Platform-level interrupt controller (RISC-V Platform-Level Interrupt Controller Specification 1.0.0).
#pragma once

#include "lib/base/result.h"

namespace astrata::kernel::arch {

/// Where the devicetree says; all sources are off. errors    not_found, no_memory
[[nodiscard]] Result<> start_plic();
/// Everything that devices want of the boot CPU.
void take_device_interrupts();

}  // namespace astrata::kernel::arch
