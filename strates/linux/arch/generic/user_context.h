// struct ucontext and rt_sigframe of newer machines, around each machine's own sigcontext (asm-generic/ucontext.h with
// room for a longer mask).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "strates/linux/arch/frame_parts.h"

namespace astrata::linux_abi::generic {

/// SignalContext    aligned to 16 bytes
template <typename SignalContext>
struct UserContext {
    std::uint64_t flags;
    std::uint64_t link;
    StackDescription stack;
    SignalSet mask;
    std::array<std::uint64_t, 16> unused;  // up to a mask of 1024 signals, and alignment
    SignalContext registers;
};

template <typename SignalContext>
struct SignalFrame {
    SignalInfo information;
    UserContext<SignalContext> context;
};

}  // namespace astrata::linux_abi::generic
