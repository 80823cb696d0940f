// The ways to PCI configuration space: windows in memory, and a PC's ports.
#pragma once

#include "lib/acpi/tables.h"
#include "lib/pci/configuration.h"
#include "strates/device-manager/physical_memory.h"

namespace astrata::device_manager {

/// Memory-mapped (PCI Express Base 5.0 section 7.2.2): 4096 bytes for each function. Buses are mapped as they are
/// looked at.
class EcamAccess final : public pci::ConfigurationSpace {
public:
    EcamAccess(abi::Handle memory, acpi::McfgWindow const& window) : memory_(memory), window_(window) {}

    std::uint32_t read(pci::Address address, std::uint16_t offset, unsigned width) override;
    void write(pci::Address address, std::uint16_t offset, unsigned width, std::uint32_t value) override;

private:
    struct Bus {
        std::uint8_t number = 0;
        PhysicalMapping mapping;
    };
    mmio::Window bus_window(std::uint8_t number);

    abi::Handle memory_;
    acpi::McfgWindow window_;
    Vector<Bus> buses_;
};

/// Through ports 0xcf8 and 0xcfc (PCI 3.0 section 3.2.2.3.2): the first 256 bytes of each function.
class PortAccess final : public pci::ConfigurationSpace {
public:
    /// ports    the machine's port region, which begins at 0
    explicit PortAccess(abi::Handle ports) : ports_(ports) {}

    /// Whether there is anything behind the ports.
    [[nodiscard]] bool is_present();
    std::uint32_t read(pci::Address address, std::uint16_t offset, unsigned width) override;
    void write(pci::Address address, std::uint16_t offset, unsigned width, std::uint32_t value) override;

private:
    bool select(pci::Address address, std::uint16_t offset);

    abi::Handle ports_;
};

}  // namespace astrata::device_manager
