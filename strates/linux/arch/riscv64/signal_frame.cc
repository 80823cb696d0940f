#include "strates/linux/arch/riscv64/signal_frame.h"

#include "lib/base/units.h"

namespace astrata::linux_abi::riscv64 {

FramePlace place_frame(std::uint64_t sp, bool, std::size_t) {
    return {.frame = align_down(sp - sizeof(SignalFrame), 16), .top = sp};
}

void fill_frame(SignalFrame& frame, RestrictedState const& state, FrameFacts const& facts) {
    frame.context.flags = 0;
    frame.context.link = 0;
    frame.context.mask = facts.mask;
    frame.context.unused = {};
    auto& context = frame.context.registers;
    for (std::size_t index = 0; index < context.registers.size(); ++index)
        context.registers[index] = state.*named_registers[index].place;
    context.vector = {};
}

void enter_handler(RestrictedState& state, FrameFacts const& facts) {
    state.ra = facts.return_address;
}

void from_context(SignalContext const& context, RestrictedState& state) {
    for (std::size_t index = 0; index < context.registers.size(); ++index)
        state.*named_registers[index].place = context.registers[index];
}

}  // namespace astrata::linux_abi::riscv64
