// What x86_64 Linux puts on a program's stack before a signal handler runs, and what rt_sigreturn takes back: struct
// rt_sigframe, ucontext and the XSAVE area behind it (sigreturn(2); the layout is part of the ABI).
//
// Only layout and conversion are here, free of privilege; deliver.cc and vector_state.cc move the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "abi/types.h"
#include "lib/base/bytes.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/signal/actions.h"
#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// stack_t.
struct StackDescription {
    std::uint64_t base;
    std::int32_t flags;
    std::int32_t padding;
    std::uint64_t size;
};

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

/// Where the frame and the vector state go.
struct FramePlace {
    std::uint64_t frame = 0;         ///< what rsp becomes
    std::uint64_t vector_state = 0;  ///< 64-byte aligned
    std::uint64_t top = 0;           ///< end of what will be written
};
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

/// Everything but what is said of the fault, the mask and the vector state.
void to_context(abi::RestrictedStateX86 const& state, SignalContext& context);
/// Takes registers over, with only those flags that a program may set for itself.
void from_context(SignalContext const& context, abi::RestrictedStateX86& state);

/// The flags that rt_sigreturn lets a program choose (FIX_EFLAGS).
inline constexpr std::uint64_t free_flags = 0x0005'0dd5;

}  // namespace astrata::linux_abi
