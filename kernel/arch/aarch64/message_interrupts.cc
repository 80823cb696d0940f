// Message-signalled interrupts: of a GICv2m frame (Arm, Server Base System Architecture, appendix E), where a write of
// its number raises an interrupt line.
#include "kernel/arch/aarch64/message_interrupts.h"

#include "arch/interrupt_routing.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::arch {

namespace {

constexpr std::uint64_t frame_type = 0x008;  // MSI_TYPER: first line and number of lines
constexpr std::uint64_t frame_set = 0x040;   // MSI_SETSPI_NS

constinit std::uint32_t first_line = 0;
constinit std::uint32_t line_count = 0;

// Each vector has a line of its own, as far as they go.
std::uint32_t line_of(std::uint8_t vector) {
    return first_line + (vector - first_device_vector);
}

}  // namespace

Result<> start_message_interrupts() {
    if (machine.message_frame.length == 0)
        return {};
    DeviceRegisters const frame(TRY(mem::map_device(machine.message_frame.start, machine.message_frame.length)).value);
    auto const type = frame.read(frame_type);
    first_line = type >> 16 & 0x3ff;
    line_count = type & 0x3ff;
    return {};
}

Result<> open_message(std::uint8_t vector) {
    if (vector - first_device_vector >= line_count)
        return fail(Error::not_supported);
    return route_line(line_of(vector), vector, abi::InterruptTrigger::edge_high);
}

void close_message(std::uint8_t vector) {
    release_line(line_of(vector));
}

std::uint64_t message_address(std::uint8_t) {
    return machine.message_frame.start.value + frame_set;
}
std::uint64_t message_data(std::uint8_t vector) {
    return line_of(vector);
}

}  // namespace astrata::kernel::arch
