#include "strates/linux/arch/riscv64/vector_state.h"

#include "abi/system_calls.h"
#include "strates/linux/arch/riscv64/facts.h"

namespace astrata::linux_abi::riscv64 {
namespace {

// As Bedrock has it.
struct RawState {
    std::array<std::uint64_t, 32> registers;
    std::uint32_t control;  // fcsr
    std::uint32_t padding;
};
static_assert(sizeof(RawState) == 264 && sizeof(RawState) <= vector_state_limit);

struct alignas(16) Area {
    std::array<std::byte, vector_state_limit> bytes = {};
};

}  // namespace

LinuxResult<> complete_frame(SignalFrame& frame, FramePlace const&) {
    Area area;
    LTRY(sys::restricted_save_vector_state(area.bytes));
    auto const raw = LTRY(load<RawState>(area.bytes, 0));
    frame.context.registers.vector.registers = raw.registers;
    frame.context.registers.vector.control = raw.control;
    return {};
}

LinuxResult<> load_vector_state_of_frame(UserContext const& context, GuestAddress) {
    auto const& vector = context.registers.vector;
    if (vector.reserved != 0 || vector.next_magic != 0 || vector.next_size != 0)
        return fail(Errno::einval);
    Area area;
    LTRY(store(area.bytes, 0, RawState{.registers = vector.registers, .control = vector.control, .padding = 0}));
    LTRY(sys::restricted_load_vector_state(std::span(area.bytes).first(generic::vector_state_size)));
    return {};
}

}  // namespace astrata::linux_abi::riscv64
