// FPU and vector state between the processor and memory, straight where XSAVE is there (Intel SDM volume 1, chapter
// 13).
#pragma once

#include <cstddef>

#include "lib/base/bytes.h"
#include "strates/linux/arch/x86_64/signal_frame.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi::x86_64 {

/// Once, before the first program runs: how long Bedrock says that a program's state is.
void learn_vector_state(std::size_t size);
/// The calling task's, without Bedrock's help, in memory of our own aligned to 64 bytes. False where that is not
/// possible.
[[nodiscard]] bool save_vector_registers(MutableBytes into);
[[nodiscard]] bool load_vector_registers(Bytes from);
/// Makes of zeros what a new program begins with.
void set_initial_vector_state(MutableBytes area);

/// Saves the calling task's at `place` and says so in `frame`.
/// errors    efault
[[nodiscard]] LinuxResult<> complete_frame(SignalFrame& frame, FramePlace const& place);
/// Loads what the program returns with, whole or a plain FXSAVE area.
/// errors    efault, enomem
[[nodiscard]] LinuxResult<> load_vector_state_of_frame(UserContext const& context, GuestAddress frame);

}  // namespace astrata::linux_abi::x86_64
