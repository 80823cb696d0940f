// Where devices' messages become interrupts.
#pragma once

#include "kernel/arch/aarch64/interrupt_controller.h"

namespace astrata::kernel::arch {

/// After the controller. Without any means for it, nothing is done. errors    no_memory
[[nodiscard]] Result<> start_message_interrupts();

}  // namespace astrata::kernel::arch
