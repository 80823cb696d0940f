// What the device manager takes from ACPI.
#pragma once

#include <optional>

#include "abi/types.h"
#include "lib/acpi/tables.h"
#include "lib/acpi/virtio_mmio.h"
#include "lib/containers/static_vector.h"
#include "sdk/handle.h"

namespace astrata::device_manager {

inline constexpr std::size_t virtio_mmio_limit = 64;

struct AcpiFacts {
    bool has_acpi = false;
    std::optional<acpi::McfgWindow> pci_window;  ///< of segment 0
    std::optional<acpi::Fadt> fadt;
    std::optional<acpi::SleepType> soft_off;
    StaticVector<acpi::VirtioMmioDevice, virtio_mmio_limit> virtio_mmio;
    unsigned io_apics = 0;
    /// How the interrupt of ACPI events (SCI) arrives.
    std::uint32_t event_line = 0;
    abi::InterruptTrigger event_trigger = abi::InterruptTrigger::level_low;
    std::optional<std::uint16_t> cpu_hotplug_port;
};

/// Reads the tables; what is missing or broken is simply absent from the facts.
/// memory    the machine's memory region;   rsdp: where the boot protocol said it is, or 0: firmware's area is searched
[[nodiscard]] AcpiFacts read_acpi(abi::Handle memory, PhysAddr rsdp);

}  // namespace astrata::device_manager
