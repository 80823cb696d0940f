// All physical memory, seen at a fixed offset (kernel/mem/layout.h).
#pragma once

#include <cstddef>

#include "kernel/mem/layout.h"

namespace astrata::kernel::arch {

inline std::byte* phys_to_virt(PhysAddr address) {
    return reinterpret_cast<std::byte*>(layout::to_direct_map(address).value);
}
/// Of memory inside the direct map only.
inline PhysAddr virt_to_phys(void const* memory) {
    return {reinterpret_cast<std::uint64_t>(memory) - layout::direct_map.value};
}

}  // namespace astrata::kernel::arch
