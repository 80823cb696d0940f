// The direct map of physical memory on the host: an arena that a test provides.
#pragma once

#include <cstddef>

#include "lib/base/units.h"

namespace astrata::kernel::arch {

/// Where physical address `host_memory_start` lies.
inline std::byte* host_memory = nullptr;
inline PhysAddr host_memory_start{0};

#pragma clang unsafe_buffer_usage begin  // the direct map is what spans are made from
inline std::byte* phys_to_virt(PhysAddr address) {
    return host_memory + (address - host_memory_start);
}
inline PhysAddr virt_to_phys(void const* memory) {
    return host_memory_start + static_cast<std::uint64_t>(static_cast<std::byte const*>(memory) - host_memory);
}
#pragma clang unsafe_buffer_usage end

}  // namespace astrata::kernel::arch
