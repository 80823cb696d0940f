// What the signal frames of all machines are made of (sigreturn(2)).
#pragma once

#include <cstddef>
#include <cstdint>

#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// stack_t.
struct StackDescription {
    std::uint64_t base;
    std::int32_t flags;
    std::int32_t padding;
    std::uint64_t size;
};
static_assert(sizeof(StackDescription) == 24);

/// Where the frame and the vector state go.
struct FramePlace {
    std::uint64_t frame = 0;         ///< what the stack pointer becomes
    std::uint64_t vector_state = 0;  ///< where it does not lie inside the frame
    std::uint64_t top = 0;           ///< end of what will be written
};

/// What a frame says besides the registers.
struct FrameFacts {
    std::uint64_t fault_vector = 0, fault_error = 0, fault_address = 0;  ///< of the task's last exception
    SignalSet mask;                                                      ///< comes back when the handler returns
    std::uint64_t return_address = 0;                                    ///< of the handler
};

}  // namespace astrata::linux_abi
