// There is no port space: what other machines reach through ports has registers in memory here.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

/// Machines without a port space have no port regions either, so that nothing is ever called.
inline constexpr std::uint64_t port_count = 0;

template <typename T>
inline T port_in(std::uint16_t) {
    return 0;
}
template <typename T>
inline void port_out(std::uint16_t, T) {}

}  // namespace astrata::kernel::arch
