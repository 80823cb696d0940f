// The last stop before user mode.
#pragma once

#include "arch/trap_frame.h"

namespace astrata::kernel {

/// Switches if it is time, ends a killed thread, hands a kicked one back to its personality. Returns with interrupts off.
void leave_to_user(arch::TrapFrame& frame);

}  // namespace astrata::kernel
