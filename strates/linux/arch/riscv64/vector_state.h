// A program's vector registers on their way into signal frames and back.
#pragma once

#include "strates/linux/arch/generic/vector_state.h"
#include "strates/linux/arch/riscv64/signal_frame.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi::riscv64 {

using generic::learn_vector_state, generic::save_vector_registers, generic::load_vector_registers,
    generic::set_initial_vector_state;

/// Saves the calling task's in the frame.
/// errors    as Bedrock's calls
[[nodiscard]] LinuxResult<> complete_frame(SignalFrame& frame, FramePlace const& place);
/// Loads what the program returns with.
/// errors    einval (extensions that mean nothing to us), and as Bedrock's calls
[[nodiscard]] LinuxResult<> load_vector_state_of_frame(UserContext const& context, GuestAddress frame);

}  // namespace astrata::linux_abi::riscv64
