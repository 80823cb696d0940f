// What aarch64 Linux calls the features of a processor (AT_HWCAP, /proc/cpuinfo).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace astrata::linux_abi::aarch64 {

struct Capability {
    std::uint64_t bit;
    std::string_view name;
};
namespace capability {
inline constexpr Capability floating_point{1 << 0, "fp"};
inline constexpr Capability vectors{1 << 1, "asimd"};
inline constexpr Capability atomics{1 << 8, "atomics"};
inline constexpr std::array all = {floating_point, vectors, atomics};
}  // namespace capability

}  // namespace astrata::linux_abi::aarch64
