// virtio-mmio devices that firmware announces in a definition block (virtio 1.2 gives them the hardware id LNRO0005):
// their register window and interrupt, from the constant resource template that follows the id. No AML is interpreted.
#pragma once

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::acpi {

struct VirtioMmioDevice {
    PhysAddr base;
    std::uint32_t length = 0;
    std::uint32_t interrupt = 0;  ///< global system interrupt
    bool is_edge = false;
    bool is_active_low = false;
};

/// The `position`-th one in the block whose resources can be read.
/// errors    not_found
[[nodiscard]] Result<VirtioMmioDevice> find_virtio_mmio(Bytes definition_block, std::size_t position);

}  // namespace astrata::acpi
