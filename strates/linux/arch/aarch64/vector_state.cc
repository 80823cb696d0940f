#include "strates/linux/arch/aarch64/vector_state.h"

#include "abi/system_calls.h"
#include "strates/linux/arch/aarch64/facts.h"

namespace astrata::linux_abi::aarch64 {
namespace {

// As Bedrock has it.
struct RawState {
    std::array<std::array<std::uint64_t, 2>, 32> registers;
    std::uint32_t status;   // FPSR
    std::uint32_t control;  // FPCR
};
static_assert(sizeof(RawState) == 520 && sizeof(RawState) <= vector_state_limit);

struct alignas(16) Area {
    std::array<std::byte, vector_state_limit> bytes = {};
};

}  // namespace

LinuxResult<> complete_frame(SignalFrame& frame, FramePlace const& place) {
    Area area;
    LTRY(sys::restricted_save_vector_state(area.bytes));
    auto const raw = LTRY(load<RawState>(area.bytes, 0));
    auto& context = frame.context.registers;
    context.vector.registers = raw.registers;
    context.vector.status = raw.status;
    context.vector.control = raw.control;
    return write_guest({place.frame + frame_bytes}, FrameRecord{context.x[29], context.x[30]});
}

LinuxResult<> load_vector_state_of_frame(UserContext const&, GuestAddress frame) {
    constexpr auto records = offsetof(SignalFrame, context) + offsetof(UserContext, registers) + records_offset;
    auto const record = LTRY(find_vector_record(
        [&](std::size_t offset, MutableBytes into) { return copy_from_guest(into, frame + records + offset); }));
    Area area;
    LTRY(store(area.bytes, 0,
               RawState{.registers = record.registers, .status = record.status, .control = record.control}));
    LTRY(sys::restricted_load_vector_state(std::span(area.bytes).first(generic::vector_state_size)));
    return {};
}

}  // namespace astrata::linux_abi::aarch64
