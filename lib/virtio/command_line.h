// virtio-mmio devices on a kernel command line, as Firecracker and QEMU's microvm without ACPI announce them:
// virtio_mmio.device=<size>[KMG]@<base>:<interrupt>[:<id>]
#pragma once

#include <optional>
#include <string_view>

#include "lib/base/units.h"

namespace astrata::virtio {

struct AnnouncedDevice {
    PhysAddr base;
    std::uint64_t length = 0;
    std::uint32_t interrupt = 0;
};

/// The `position`-th well-formed announcement on the line; malformed ones are passed over.
[[nodiscard]] std::optional<AnnouncedDevice> announced_device(std::string_view command_line, std::size_t position);

}  // namespace astrata::virtio
