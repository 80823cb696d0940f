// From interrupt lines to vectors: a PLIC's sources (plic.cc).
#pragma once

#include <cstdint>

#include "abi/types.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

// No more than numbers; what a device's line is called in Bedrock.
inline constexpr std::uint8_t first_device_vector = 1;
inline constexpr std::uint8_t last_device_vector = 255;

/// Connects a source to a vector on the boot CPU, unmasked.
/// errors    not_supported (no such source), already_exists (in use)
[[nodiscard]] Result<> route_line(std::uint32_t line, std::uint8_t vector, abi::InterruptTrigger trigger);
void release_line(std::uint32_t line);
void mask_line(std::uint32_t line);
void unmask_line(std::uint32_t line);
/// A PLIC takes no messages: nowhere. errors    not_supported
[[nodiscard]] inline Result<> open_message(std::uint8_t) {
    return fail(Error::not_supported);
}
inline void close_message(std::uint8_t) {}
[[nodiscard]] constexpr std::uint64_t message_address(std::uint8_t) {
    return 0;
}
[[nodiscard]] constexpr std::uint64_t message_data(std::uint8_t) {
    return 0;
}

}  // namespace astrata::kernel::arch
