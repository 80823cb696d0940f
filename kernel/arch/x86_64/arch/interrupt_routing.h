// From interrupt lines and messages to vectors.
#pragma once

#include <cstdint>

#include "abi/types.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

/// Connects a global system interrupt to a vector on the boot CPU, unmasked.
/// errors    not_supported (no controller has the line), already_exists (in use)
[[nodiscard]] Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger trigger);
void release_line(std::uint32_t line);
void mask_line(std::uint32_t line);
void unmask_line(std::uint32_t line);
/// A device may signal this vector by message from now on, and not any more.
/// errors    not_supported (no message-signalled interrupts, or none for this vector)
[[nodiscard]] inline Result<> open_message(std::uint8_t) {
    return {};
}
inline void close_message(std::uint8_t) {}
/// Where a device writes a message-signalled interrupt for the boot CPU, and what.
[[nodiscard]] std::uint64_t message_address(std::uint8_t vector);
[[nodiscard]] inline std::uint64_t message_data(std::uint8_t vector) {
    return vector;
}

/// One controller, from ACPI or the machine's fixed place; covers lines from `first_line` on.
void add_io_apic(std::uint64_t physical_address, std::uint32_t first_line);
[[nodiscard]] bool has_io_apic();

}  // namespace astrata::kernel::arch
