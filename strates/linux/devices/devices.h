// Character devices and their numbers (Linux's devices.txt).
#pragma once

#include <cstdint>
#include <string_view>

#include "strates/linux/file/file.h"
#include "strates/linux/vfs/constants.h"

namespace astrata::linux_abi {

namespace device_id {
inline constexpr std::uint64_t null = device_number(1, 3);
inline constexpr std::uint64_t zero = device_number(1, 5);
inline constexpr std::uint64_t full = device_number(1, 7);
inline constexpr std::uint64_t random = device_number(1, 8);
inline constexpr std::uint64_t urandom = device_number(1, 9);
inline constexpr std::uint64_t terminal = device_number(5, 0);
inline constexpr std::uint64_t console = device_number(5, 1);
inline constexpr std::uint64_t terminal_multiplexer = device_number(5, 2);
inline constexpr std::uint32_t pty_major = 136;
}  // namespace device_id

/// A node that /dev has from the beginning.
struct DeviceNode {
    std::string_view name;
    std::uint32_t permissions;
    std::uint64_t number;
};
std::span<DeviceNode const> device_nodes();

/// The devices without state: null, zero, full, random.
/// errors    enxio
LinuxResult<Ref<File>> open_memory_device(Path const& path, std::uint64_t number, std::uint32_t flags);

}  // namespace astrata::linux_abi
