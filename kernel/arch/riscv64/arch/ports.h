// RISC-V has no port space.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

/// No port region can be made of none, so that nothing below is ever called.
inline constexpr std::uint64_t port_count = 0;

template <typename T>
inline T port_in(std::uint16_t) {
    return {};
}
template <typename T>
inline void port_out(std::uint16_t, T) {}

}  // namespace astrata::kernel::arch
