#include "strates/linux/signal/frame.h"

#include <algorithm>

#include "lib/base/units.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint32_t magic_first = 0x46505853;  // FP_XSTATE_MAGIC1
constexpr std::uint32_t magic_last = 0x46505845;   // FP_XSTATE_MAGIC2
constexpr std::size_t legacy_size = 512;
constexpr std::size_t header_end = 576;         // legacy area and XSAVE header
constexpr std::size_t software_offset = 464;    // sw_reserved of the legacy area
constexpr std::size_t components_offset = 512;  // XSTATE_BV, first word of the header
constexpr std::uint64_t red_zone = 128;

// struct _fpx_sw_bytes.
struct SoftwareBytes {
    std::uint32_t magic = 0;
    std::uint32_t extended_size = 0;
    std::uint64_t components = 0;
    std::uint32_t state_size = 0;
    std::array<std::uint32_t, 7> padding = {};
};
static_assert(sizeof(SoftwareBytes) == 48);

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

LinuxResult<> mark_vector_state(MutableBytes area) {
    if (area.size() < legacy_size + vector_state_trailer)
        return fail(Errno::einval);
    auto size = area.size() - vector_state_trailer;
    SoftwareBytes description{.magic = magic_first,
                              .extended_size = static_cast<std::uint32_t>(area.size()),
                              .state_size = static_cast<std::uint32_t>(size)};
    // Which components the area may carry, not only those that it does now.
    description.components = size > header_end ? load<std::uint64_t>(area, components_offset).value_or(0) | 7 : 3;
    LTRY(store(area, software_offset, description));
    LTRY(store(area, size, magic_last));
    return {};
}

std::size_t marked_vector_state_size(Bytes legacy_area, std::size_t largest) {
    auto description = load<SoftwareBytes>(legacy_area, software_offset);
    if (!description.has_value() || description->magic != magic_first || description->state_size < header_end ||
        description->state_size > largest ||
        description->extended_size < description->state_size + vector_state_trailer)
        return legacy_size;
    return description->state_size + vector_state_trailer;
}

bool has_vector_state_trailer(Bytes area) {
    return area.size() >= vector_state_trailer &&
           load<std::uint32_t>(area, area.size() - vector_state_trailer).value_or(0) == magic_last;
}

void complete_legacy_state(MutableBytes area) {
    if (area.size() < header_end)
        return;
    std::ranges::fill(area.subspan(legacy_size), std::byte{0});
    static_cast<void>(store(area, components_offset, std::uint64_t{3}));  // x87 and SSE
}

SignalContext to_context(abi::RestrictedStateX86 const& state, std::uint64_t trap_number, std::uint64_t error_code,
                         std::uint64_t fault_address, SignalSet old_mask) {
    SignalContext context{};
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
    context.ss = 0x2b;
    context.error_code = error_code;
    context.trap_number = trap_number;
    context.old_mask = old_mask.bits;
    context.fault_address = fault_address;
    return context;
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

}  // namespace astrata::linux_abi
