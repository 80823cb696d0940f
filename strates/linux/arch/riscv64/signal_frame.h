// What riscv64 Linux puts on a program's stack before a signal handler runs, and what rt_sigreturn takes back: struct
// rt_sigframe (sigreturn(2), asm/sigcontext.h and asm/ptrace.h; the layout is part of the ABI).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "strates/linux/arch/generic/user_context.h"
#include "strates/linux/arch/riscv64/registers.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi::riscv64 {

/// struct __riscv_d_ext_state and, over its padding, struct __riscv_extra_ext_header.
struct alignas(16) VectorRecord {
    std::array<std::uint64_t, 32> registers;
    std::uint32_t control;  // fcsr
    std::array<std::uint32_t, 64> padding;
    std::uint32_t reserved;
    std::uint32_t next_magic, next_size;  // further extensions: none
};
static_assert(sizeof(VectorRecord) == 528 && offsetof(VectorRecord, reserved) == 516 &&
              offsetof(VectorRecord, next_magic) == 520);

/// struct sigcontext. The registers are pc, then x1 to x31, as in named_registers.
struct SignalContext {
    std::array<std::uint64_t, 32> registers;
    VectorRecord vector;
};
static_assert(sizeof(SignalContext) == 784 && named_registers.size() == 32);

using UserContext = generic::UserContext<SignalContext>;
using SignalFrame = generic::SignalFrame<SignalContext>;
static_assert(offsetof(UserContext, registers) == 176 && offsetof(SignalFrame, context) == 128);
static_assert(sizeof(SignalFrame) == 1088);

[[nodiscard]] FramePlace place_frame(std::uint64_t sp, bool is_alternate, std::size_t vector_state_size);

/// Fills in all but the information, the alternate stack and the vector registers.
void fill_frame(SignalFrame& frame, RestrictedState const& state, FrameFacts const& facts);
/// What a handler begins with besides its arguments, its instruction and its stack.
void enter_handler(RestrictedState& state, FrameFacts const& facts);
/// Where the frame is that a handler returns with.
constexpr std::uint64_t frame_of_return(std::uint64_t sp) {
    return sp;
}
void from_context(SignalContext const& context, RestrictedState& state);

/// What a frame takes of a stack, at most (AT_MINSIGSTKSZ).
constexpr std::uint64_t largest_frame(std::size_t) {
    constexpr std::uint64_t alignment = 16;
    return sizeof(SignalFrame) + alignment;
}

}  // namespace astrata::linux_abi::riscv64
