// The ways in: each reads what its boot loader left in memory into a BootInfo. They run before there is memory management, on
// the early page tables, which show the first 4 GiB.
#pragma once

#include <cstdint>
#include <cstring>

#include "arch/direct_map.h"
#include "kernel/boot/boot_info.h"

namespace astrata::kernel::arch {

/// A structure that the boot loader left at a physical address below 4 GiB.
template <typename T>
T load_early(PhysAddr address) {
    T value;
    std::memcpy(&value, phys_to_virt(address), sizeof(T));
    return value;
}

/// One entry of an E820-style map (ACPI 6.5, table 15.4: 1 usable, 3 ACPI reclaimable, 4 NVS, 5 bad, others reserved).
void add_memory_range(PhysAddr start, std::uint64_t length, std::uint32_t type, BootInfo& info);
/// A NUL-terminated text; what exceeds the capacity is cut off.
void copy_command_line(PhysAddr text, BootInfo& info);

/// False if `address` is not that door's structure.
[[nodiscard]] bool read_pvh(PhysAddr address, BootInfo& info);
[[nodiscard]] bool read_multiboot2(PhysAddr address, BootInfo& info);
inline constexpr std::uint32_t multiboot2_magic = 0x36d7'6289;

}  // namespace astrata::kernel::arch
