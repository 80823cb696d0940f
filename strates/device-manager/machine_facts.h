// What firmware says about the machine, whether by ACPI or by a devicetree.
#pragma once

#include <array>
#include <optional>

#include "abi/types.h"
#include "lib/acpi/tables.h"
#include "lib/acpi/virtio_mmio.h"
#include "lib/containers/static_vector.h"
#include "lib/pci/topology.h"

namespace astrata::device_manager {

inline constexpr std::size_t virtio_mmio_limit = 64;

/// Who described the machine; `nobody` is a PC without ACPI, where much has a customary place.
enum class Firmware : std::uint8_t { nobody, acpi, devicetree };

/// Registers in memory and an interrupt line.
using MmioDevice = acpi::VirtioMmioDevice;

/// A device that no bus announces.
struct PlatformDevice {
    std::string_view name;  ///< as drivers match it
    MmioDevice mmio;        ///< no registers: its driver holds them by manifest
};

struct MachineFacts {
    Firmware firmware = Firmware::nobody;
    std::optional<acpi::McfgWindow> pci_window;   ///< of segment 0
    std::optional<pci::Apertures> pci_apertures;  ///< where windows may be placed, if firmware says so
    /// Interrupt lines of the root bus: [device % 4][pin - 1]; 0 where unknown.
    std::optional<std::array<std::array<std::uint32_t, 4>, 4>> pci_lines;
    StaticVector<MmioDevice, virtio_mmio_limit> virtio_mmio;
    StaticVector<PlatformDevice, 8> platform;
    unsigned io_apics = 0;

    // ACPI's alone.
    std::optional<acpi::Fadt> fadt;
    std::optional<acpi::SleepType> soft_off;
    /// How the interrupt of ACPI events (SCI) arrives.
    std::uint32_t event_line = 0;
    abi::InterruptTrigger event_trigger = abi::InterruptTrigger::level_low;
    std::optional<std::uint16_t> cpu_hotplug_port;
};

[[nodiscard]] constexpr std::string_view name_of(Firmware firmware) {
    switch (firmware) {
    case Firmware::nobody: return "no firmware tables";
    case Firmware::acpi: return "ACPI";
    case Firmware::devicetree: return "devicetree";
    }
    return {};
}

}  // namespace astrata::device_manager
