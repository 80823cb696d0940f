// What x86_64 Linux puts on a program's stack before a signal handler runs, and what rt_sigreturn takes back: struct
// rt_sigframe, ucontext and the XSAVE area behind it (sigreturn(2); the layout is part of the ABI).
//
// Only layout and conversion are here, free of privilege; signal/deliver.cc and vector_state.cc move the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "abi/types.h"
#include "lib/base/bytes.h"
#include "strates/linux/arch/frame_parts.h"

namespace astrata::linux_abi::x86_64 {

/// struct sigcontext.
struct SignalContext {
    std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    std::uint16_t cs, gs, fs, ss;
    std::uint64_t error_code, trap_number, old_mask, fault_address;
    std::uint64_t vector_state;  // address, 0: none
    std::array<std::uint64_t, 8> reserved;
};
static_assert(sizeof(SignalContext) == 256);

/// struct ucontext as the kernel lays it out.
struct UserContext {
    std::uint64_t flags;
    std::uint64_t link;
    StackDescription stack;
    SignalContext registers;
    SignalSet mask;
};
static_assert(sizeof(UserContext) == 304);

/// struct rt_sigframe. On entry of the handler rsp points at it: the first word is the return address.
struct SignalFrame {
    std::uint64_t return_address;
    UserContext context;
    SignalInfo information;
};
static_assert(sizeof(SignalFrame) == 440);

/// ucontext flags.
inline constexpr std::uint64_t context_has_xsave = 1;  // UC_FP_XSTATE
inline constexpr std::uint64_t context_saves_ss = 6;   // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS

/// rsp    the program's, or the alternate stack's end when `is_alternate` (no red zone to spare then)
[[nodiscard]] FramePlace place_frame(std::uint64_t rsp, bool is_alternate, std::size_t vector_state_size);

/// Bytes after an XSAVE area that mark its end (FP_XSTATE_MAGIC2).
inline constexpr std::size_t vector_state_trailer = 4;

/// struct _fpx_sw_bytes: Linux's description of an XSAVE area, in the area's software-reserved bytes.
struct VectorStateDescription {
    static constexpr std::size_t offset = 464;
    std::uint32_t magic = 0;
    std::uint32_t extended_size = 0;
    std::uint64_t components = 0;
    std::uint32_t state_size = 0;
    std::array<std::uint32_t, 7> padding = {};
};
static_assert(sizeof(VectorStateDescription) == 48);

inline constexpr std::uint32_t vector_state_trailer_mark = 0x46505845;  // FP_XSTATE_MAGIC2

/// size        of the area without its trailer
/// components  what the area carries now; of no matter for a plain FXSAVE area
[[nodiscard]] VectorStateDescription describe_vector_state(std::size_t size, std::uint64_t components);

/// How long the XSAVE area is that begins with these 512 bytes, trailer included; 512 when it carries no valid mark
/// (programs may return with a plain FXSAVE area).
[[nodiscard]] std::size_t marked_vector_state_size(Bytes legacy_area, std::size_t largest);
/// Whether the trailer is in place.
[[nodiscard]] bool has_vector_state_trailer(Bytes area);
/// Turns a plain FXSAVE area at the start of `area` into an XSAVE area that says only x87 and SSE state are valid.
void complete_legacy_state(MutableBytes area);

/// Fills in all but the information, the alternate stack and the vector state's place.
void fill_frame(SignalFrame& frame, abi::RestrictedStateX86 const& state, FrameFacts const& facts);
/// What a handler begins with besides its arguments, its instruction and its stack.
void enter_handler(abi::RestrictedStateX86& state, FrameFacts const& facts);
/// Where the frame is that a handler returns with: its return took the first word.
constexpr std::uint64_t frame_of_return(std::uint64_t rsp) {
    return rsp - sizeof(SignalFrame::return_address);
}
/// Takes registers over, with only those flags that a program may set for itself.
void from_context(SignalContext const& context, abi::RestrictedStateX86& state);

/// The flags that rt_sigreturn lets a program choose (FIX_EFLAGS).
inline constexpr std::uint64_t free_flags = 0x0005'0dd5;

/// What a frame takes of a stack, at most (AT_MINSIGSTKSZ).
constexpr std::uint64_t largest_frame(std::size_t vector_state_size) {
    constexpr std::uint64_t alignment = 64 + 16, red_zone = 128;
    return sizeof(SignalFrame) + vector_state_size + vector_state_trailer + alignment + red_zone;
}

}  // namespace astrata::linux_abi::x86_64
