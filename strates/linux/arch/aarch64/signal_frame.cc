#include "strates/linux/arch/aarch64/signal_frame.h"

#include "lib/base/units.h"

namespace astrata::linux_abi::aarch64 {

// named_registers from x0 on.
static constexpr std::size_t first_general = named_registers.size() - 31;
static_assert(named_registers[first_general].name == "x0");

FramePlace place_frame(std::uint64_t sp, bool, std::size_t) {
    return {.frame = align_down(sp - sizeof(FrameRecord), 16) - frame_bytes, .top = sp};
}

void fill_frame(SignalFrame& frame, RestrictedState const& state, FrameFacts const& facts) {
    frame.context.flags = 0;
    frame.context.link = 0;
    frame.context.mask = facts.mask;
    frame.context.unused = {};
    auto& context = frame.context.registers;
    context.fault_address = facts.fault_address;
    for (std::size_t index = 0; index < context.x.size(); ++index)
        context.x[index] = state.*named_registers[first_general + index].place;
    context.sp = state.sp;
    context.pc = state.pc;
    context.pstate = state.pstate;
    context.padding = 0;
    context.vector.header = {.magic = vector_magic, .size = sizeof(VectorRecord)};
    context.syndrome = {.header = {.magic = syndrome_magic, .size = sizeof(SyndromeRecord)},
                        .syndrome = facts.fault_error};
    context.end = {};
}

void enter_handler(RestrictedState& state, FrameFacts const& facts) {
    constexpr std::uint64_t branch_type = 3 << 10, tag_checks_off = 1 << 25;
    state.x29 = state.sp + frame_bytes;
    state.x30 = facts.return_address;
    state.pstate &= ~(branch_type | tag_checks_off);
}

void from_context(SignalContext const& context, RestrictedState& state) {
    for (std::size_t index = 0; index < context.x.size(); ++index)
        state.*named_registers[first_general + index].place = context.x[index];
    state.sp = context.sp;
    state.pc = context.pc;
    state.pstate = (state.pstate & ~free_flags) | (context.pstate & free_flags);
}

}  // namespace astrata::linux_abi::aarch64
