// One device in use: what was given out for it, and how to take it back.
#pragma once

#include "lib/virtio/pci_transport.h"
#include "strates/device-manager/inventory.h"

namespace astrata::device_manager {

/// Handles in here are the parents of what drivers get; revoking them reaches every copy.
class Session final : private virtio::BarWindows {
public:
    Session(Inventory& inventory, Record& record) : inventory_(inventory), record_(record) {}

    [[nodiscard]] Record const& record() const { return record_; }
    /// Counts openings; a driver's badge carries the one it belongs to.
    [[nodiscard]] std::uint32_t generation() const { return generation_; }

    /// Takes back everything, quiets the device, and begins anew. Returns the endpoint for the driver, derived from
    /// `devices` with `badge_of(generation)`.
    /// errors    not_supported (a platform device), no_resources, no_memory,
    /// timed_out (the device does not come to rest)
    [[nodiscard]] Result<sdk::UniqueHandle> open(sdk::UniqueHandle const& devices, std::uint32_t index);

    struct Window {
        abi::DeviceWindow window;
        sdk::UniqueHandle region;
    };
    /// errors    not_found, no_memory
    [[nodiscard]] Result<Window> window(std::uint32_t position);
    struct Interrupt {
        sdk::UniqueHandle interrupt;
        bool needs_acknowledge = false;
    };
    /// errors    not_found, busy (somebody else has the line), no_resources (vectors)
    [[nodiscard]] Result<Interrupt> interrupt(std::uint32_t position);
    /// errors    no_memory
    [[nodiscard]] Result<sdk::UniqueHandle> dma();
    /// errors    not_supported (not PCI), out_of_range, invalid_argument (width)
    [[nodiscard]] Result<std::uint32_t> read_configuration(std::uint32_t offset, std::uint32_t width);
    /// errors    as above; access_denied
    [[nodiscard]] Result<> write_configuration(std::uint32_t offset, std::uint32_t width, std::uint32_t value);

    static constexpr std::uint64_t badge(std::uint32_t index, std::uint32_t generation) {
        return std::uint64_t{generation} << 32 | (index + 1);
    }

private:
    void revoke_all();
    Result<> quiesce();
    Result<> reset_virtio_mmio();
    void reset_virtio_pci();
    Result<sdk::UniqueHandle> create_interrupt(std::uint32_t position);
    Result<sdk::UniqueHandle> create_msix(std::uint32_t position);
    Result<> map_msix_table();
    Result<> check_configuration_access(std::uint32_t offset, std::uint32_t width) const;
    Result<mmio::Window> bar(std::uint8_t index) override;
    [[nodiscard]] bool is_pci() const { return record_.description.bus == abi::BusKind::pci; }
    [[nodiscard]] pci::Address address() const { return record_.pci.function.address; }

    struct NumberedInterrupt {
        std::uint32_t position = 0;
        sdk::UniqueHandle handle;
    };

    Inventory& inventory_;
    Record& record_;
    std::uint32_t generation_ = 0;
    sdk::UniqueHandle endpoint_;
    std::array<sdk::UniqueHandle, 6> windows_;
    Vector<NumberedInterrupt> interrupts_;
    PhysicalMapping msix_table_;
    sdk::UniqueHandle domain_;
    Vector<PhysicalMapping> reset_mappings_;  // of BARs, while the device is being reset
};

}  // namespace astrata::device_manager
