// What CPUs ask of each other by software interrupt.
#pragma once

namespace astrata::kernel::arch {

/// From the interrupt.
void answer_requests();

}  // namespace astrata::kernel::arch
