// FPU and vector state on its way between the processor and signal frames (frame.h has the layout).
#pragma once

#include <cstddef>
#include <cstdint>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi {

/// Asks Bedrock and the processor about the format; once, before the first program runs.
[[nodiscard]] Result<> learn_vector_state_format();
/// This machine's, without Linux's trailer.
[[nodiscard]] VectorStateFormat const& vector_state_format();
/// Saves the calling task's to `place`, which is aligned to 64 bytes.
/// errors    efault
[[nodiscard]] LinuxResult<> write_vector_state(GuestAddress place, VectorStateFormat const& format);
/// Loads what a program returns with, whole or a plain FXSAVE area.
/// errors    efault, enomem
[[nodiscard]] LinuxResult<> restore_vector_state(GuestAddress address);

}  // namespace astrata::linux_abi
