#include "strates/linux/arch/x86_64/signal_frame.h"

#include <algorithm>

#include "lib/base/units.h"

namespace astrata::linux_abi::x86_64 {
namespace {

constexpr std::uint32_t magic_first = 0x46505853;  // FP_XSTATE_MAGIC1
constexpr std::size_t legacy_size = 512;
constexpr std::size_t components_offset = 512;  // XSTATE_BV: which components the area carries
constexpr std::size_t header_end = 576;         // legacy area and XSAVE header
constexpr std::uint64_t red_zone = 128;

}  // namespace

FramePlace place_frame(std::uint64_t rsp, bool is_alternate, std::size_t vector_state_size) {
    if (!is_alternate)
        rsp -= red_zone;
    FramePlace place{.top = rsp};
    place.vector_state = align_down(rsp - vector_state_size - vector_state_trailer, 64);
    // As after a call instruction: rsp + 8 is 16-byte aligned.
    place.frame = align_down(place.vector_state - sizeof(SignalFrame), 16) - 8;
    return place;
}

VectorStateDescription describe_vector_state(std::size_t size, std::uint64_t components) {
    return {.magic = magic_first,
            .extended_size = static_cast<std::uint32_t>(size + vector_state_trailer),
            // Which components the area may carry, not only those that it does now.
            .components = size > header_end ? components | 7 : 3,
            .state_size = static_cast<std::uint32_t>(size)};
}

std::size_t marked_vector_state_size(Bytes legacy_area, std::size_t largest) {
    auto description = load<VectorStateDescription>(legacy_area, VectorStateDescription::offset);
    if (!description.has_value() || description->magic != magic_first || description->state_size < header_end ||
        description->state_size > largest ||
        description->extended_size < description->state_size + vector_state_trailer)
        return legacy_size;
    return description->state_size + vector_state_trailer;
}

bool has_vector_state_trailer(Bytes area) {
    return area.size() >= vector_state_trailer &&
           load<std::uint32_t>(area, area.size() - vector_state_trailer).value_or(0) == vector_state_trailer_mark;
}

void complete_legacy_state(MutableBytes area) {
    if (area.size() < header_end)
        return;
    std::ranges::fill(area.subspan(legacy_size), std::byte{0});
    static_cast<void>(store(area, components_offset, std::uint64_t{3}));  // x87 and SSE
}

void fill_frame(SignalFrame& frame, abi::RestrictedStateX86 const& state, FrameFacts const& facts) {
    frame.return_address = facts.return_address;
    frame.context.flags = context_has_xsave | context_saves_ss;
    frame.context.link = 0;
    frame.context.mask = facts.mask;
    auto& context = frame.context.registers;
    context.r8 = state.r8;
    context.r9 = state.r9;
    context.r10 = state.r10;
    context.r11 = state.r11;
    context.r12 = state.r12;
    context.r13 = state.r13;
    context.r14 = state.r14;
    context.r15 = state.r15;
    context.rdi = state.rdi;
    context.rsi = state.rsi;
    context.rbp = state.rbp;
    context.rbx = state.rbx;
    context.rdx = state.rdx;
    context.rax = state.rax;
    context.rcx = state.rcx;
    context.rsp = state.rsp;
    context.rip = state.rip;
    context.rflags = state.rflags;
    // The selectors that Linux's 64-bit programs run with.
    context.cs = 0x33;
    context.gs = 0;
    context.fs = 0;
    context.ss = 0x2b;
    context.reserved = {};
    context.error_code = facts.fault_error;
    context.trap_number = facts.fault_vector;
    context.old_mask = facts.mask.bits;
    context.fault_address = facts.fault_address;
}

void enter_handler(abi::RestrictedStateX86& state, FrameFacts const&) {
    constexpr std::uint64_t direction_trap_resume = 0x400 | 0x100 | 0x1'0000;
    state.rflags &= ~direction_trap_resume;
    state.rax = 0;
}

void from_context(SignalContext const& context, abi::RestrictedStateX86& state) {
    state.r8 = context.r8;
    state.r9 = context.r9;
    state.r10 = context.r10;
    state.r11 = context.r11;
    state.r12 = context.r12;
    state.r13 = context.r13;
    state.r14 = context.r14;
    state.r15 = context.r15;
    state.rdi = context.rdi;
    state.rsi = context.rsi;
    state.rbp = context.rbp;
    state.rbx = context.rbx;
    state.rdx = context.rdx;
    state.rax = context.rax;
    state.rcx = context.rcx;
    state.rsp = context.rsp;
    state.rip = context.rip;
    state.rflags = (state.rflags & ~free_flags) | (context.rflags & free_flags);
}

}  // namespace astrata::linux_abi::x86_64
