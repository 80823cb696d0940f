// How a process ended, or why it stopped, in the encoding of wait4.
#pragma once

#include <cstdint>

#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

/// A status as wait4 reports it: exit code << 8, or signal number (| 0x80 with core dump).
struct WaitStatus {
    std::uint32_t value = 0;
    static constexpr WaitStatus exited(std::uint32_t code) { return {(code & 0xff) << 8}; }
    static constexpr WaitStatus killed(Signal signal, bool dumped) {
        return {static_cast<std::uint32_t>(signal) | (dumped ? 0x80u : 0u)};
    }
    static constexpr WaitStatus stopped(Signal signal) { return {static_cast<std::uint32_t>(signal) << 8 | 0x7f}; }
    static constexpr WaitStatus continued() { return {0xffff}; }
    [[nodiscard]] constexpr bool is_exit() const { return (value & 0x7f) == 0; }
    [[nodiscard]] constexpr std::uint32_t exit_code() const { return value >> 8 & 0xff; }
    [[nodiscard]] constexpr std::uint32_t signal() const { return value & 0x7f; }
    [[nodiscard]] constexpr bool is_dumped() const { return (value & 0x80) != 0; }
};

}  // namespace astrata::linux_abi
