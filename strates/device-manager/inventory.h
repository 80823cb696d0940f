// The devices of the machine.
#pragma once

#include <memory>

#include "abi/device_types.h"
#include "lib/pci/topology.h"
#include "strates/device-manager/machine_facts.h"
#include "strates/device-manager/pci_access.h"

namespace astrata::device_manager {

/// One device, as it was found.
struct Record {
    abi::DeviceDescription description;
    pci::Device pci;                ///< of BusKind::pci
    std::optional<pci::MsiX> msix;  ///< of BusKind::pci
    MmioDevice mmio;                ///< of the other kinds
};

/// The machine's handles; borrowed for as long as the strate lives.
struct Machine {
    abi::Handle ports = 0;
    abi::Handle memory = 0;
    abi::Handle interrupts = 0;
    abi::Handle dma = 0;
    abi::Handle root_silo = 0;
};

class Inventory {
public:
    explicit Inventory(Machine const& machine) : machine_(machine), port_access_(machine.ports) {}

    /// Finds everything. Called once.
    /// errors    no_memory
    [[nodiscard]] Result<> discover(MachineFacts const& facts, abi::MachineInfo const& info);

    [[nodiscard]] std::size_t size() const { return records_.size(); }
    [[nodiscard]] Record& record(std::size_t index) { return *records_[index]; }
    [[nodiscard]] Machine const& machine() const { return machine_; }
    /// How to reach PCI devices' configuration; only for records of BusKind::pci.
    [[nodiscard]] pci::ConfigurationSpace& configuration() { return *configuration_; }
    [[nodiscard]] std::uint32_t configuration_bytes() const { return ecam_access_ ? 4096 : 256; }

private:
    Result<> discover_pci(MachineFacts const& facts, abi::MachineInfo const& info);
    Result<> add_pci(pci::Device const& device, std::uint32_t interrupt_line);
    Result<> discover_virtio_mmio(MachineFacts const& facts, std::string_view command_line);
    Result<bool> add_virtio_mmio(MmioDevice const& device, bool is_certain);
    Result<> add_platform(PlatformDevice const& device, std::uint32_t index);
    Result<> add(std::unique_ptr<Record> record);
    bool choose_configuration_access(MachineFacts const& facts);

    Machine machine_;
    PortAccess port_access_;
    std::optional<EcamAccess> ecam_access_;
    pci::ConfigurationSpace* configuration_ = nullptr;
    Vector<std::unique_ptr<Record>> records_;  // by ascending id
};

}  // namespace astrata::device_manager
