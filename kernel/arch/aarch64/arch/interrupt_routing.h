// From interrupt lines and messages to vectors: numbers that Bedrock gives interrupt objects. A line is the
// controller's own number, INTID.
#pragma once

#include <cstdint>

#include "abi/types.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

inline constexpr std::uint8_t first_device_vector = 1;
inline constexpr std::uint8_t last_device_vector = 255;

/// Connects an interrupt line to a vector on the boot CPU, unmasked.
/// errors    not_supported (no such line), already_exists (in use)
[[nodiscard]] Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger trigger);
void release_line(std::uint32_t line);
void mask_line(std::uint32_t line);
void unmask_line(std::uint32_t line);
/// A device may signal this vector by message from now on, and not any more.
/// errors    not_supported (no message-signalled interrupts, or none for this vector)
[[nodiscard]] Result<> open_message(std::uint8_t vector);
void close_message(std::uint8_t vector);
/// Where a device writes a message-signalled interrupt for the boot CPU, and what.
[[nodiscard]] std::uint64_t message_address(std::uint8_t vector);
[[nodiscard]] std::uint64_t message_data(std::uint8_t vector);

}  // namespace astrata::kernel::arch
