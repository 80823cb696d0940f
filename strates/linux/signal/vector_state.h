// FPU and vector state on its way between the processor and signal frames (frame.h has the layout).
#pragma once

#include <cstddef>
#include <cstdint>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Asks Bedrock and the processor about the format; once, before the first program runs.
[[nodiscard]] Result<> learn_vector_state_format();
/// This machine's, without Linux's trailer.
[[nodiscard]] VectorStateFormat const& vector_state_format();
/// The calling task's, for another thread.
/// errors    no_memory (an area this long was not expected), and as Bedrock's calls
[[nodiscard]] Result<> save_vector_state(VectorState& into);
/// The way back.
[[nodiscard]] Result<> load_vector_state(VectorState const& from);
/// Saves the calling task's to `place`, which is aligned to 64 bytes.
/// errors    efault
[[nodiscard]] LinuxResult<> write_vector_state(GuestAddress place, VectorStateFormat const& format);
/// Loads what a program returns with, whole or a plain FXSAVE area.
/// errors    efault, enomem
[[nodiscard]] LinuxResult<> restore_vector_state(GuestAddress address);

}  // namespace astrata::linux_abi
