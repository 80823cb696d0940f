// FPU and vector state of programs, in Bedrock's format, on its way from one thread to another. What lies in signal
// frames is the machine's affair (arch/).
#pragma once

#include <cstddef>

#include "strates/linux/core/errno.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Asks Bedrock and the processor about the format; once, before the first program runs.
[[nodiscard]] Result<> learn_vector_state_format();
/// Bytes of this machine's.
[[nodiscard]] std::size_t vector_state_size();
/// The calling task's, for another thread.
/// errors    no_memory (an area this long was not expected), and as Bedrock's calls
[[nodiscard]] Result<> save_vector_state(VectorState& into);
/// The way back.
[[nodiscard]] Result<> load_vector_state(VectorState const& from);
/// What a program begins with.
/// errors    enomem, and as Bedrock's calls
[[nodiscard]] LinuxResult<> reset_vector_state();

}  // namespace astrata::linux_abi
