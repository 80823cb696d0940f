// What every boot door (PVH, Multiboot2, later a devicetree) tells Bedrock, in one shape.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/mem/placement.h"
#include "lib/base/units.h"

namespace astrata::kernel {

enum class MemoryKind : std::uint32_t { usable, reserved, acpi_reclaimable, acpi_nvs, bad };

struct MemoryRange {
    PhysAddr start;
    std::uint64_t length = 0;   ///< bytes
    MemoryKind kind = MemoryKind::reserved;
};

/// Fixed capacity: filled before there is an allocator. Ranges as firmware gave them: unsorted, unaligned, they may
/// overlap; later kinds win over `usable`.
struct BootInfo {
    static constexpr std::size_t range_capacity = 128;
    std::array<MemoryRange, range_capacity> range_storage{};
    std::size_t range_count = 0;
    PhysAddr archive_start;            ///< boot archive; 0 bytes when absent
    std::uint64_t archive_length = 0;
    PhysAddr kernel_start;             ///< the loaded kernel image, page-aligned
    std::uint64_t kernel_length = 0;
    PhysAddr rsdp;                     ///< ACPI root pointer; 0 if the door did not say
    PhysAddr devicetree_start;         ///< 8-byte aligned, in a reserved range; 0 bytes when there is none
    std::uint64_t devicetree_length = 0;
    std::array<char, 512> command_line_storage{};
    std::size_t command_line_length = 0;
    Placement placement;               ///< chosen by the door

    [[nodiscard]] std::span<MemoryRange const> ranges() const { return std::span(range_storage).first(range_count); }
    [[nodiscard]] std::string_view command_line() const { return {command_line_storage.data(), command_line_length}; }
};

}  // namespace astrata::kernel
