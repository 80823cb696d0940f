// The virtio PCI transport, modern interface only (virtio 1.2 section 4.1): vendor capabilities say in which BAR, and
// where, the register structures lie.
#pragma once

#include "lib/mmio/registers.h"
#include "lib/pci/configuration.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio {

inline constexpr std::uint16_t pci_vendor = 0x1af4;
inline constexpr std::uint16_t pci_modern_device_base = 0x1040;  // plus the virtio device id

/// Maps the device's memory BARs.
class BarWindows {
public:
    /// The whole BAR, mapped uncached as long as the transport lives.
    /// errors    not_found (no such memory BAR), no_memory
    virtual Result<mmio::Window> bar(std::uint8_t index) = 0;

protected:
    ~BarWindows() = default;
};

class PciTransport final : public Transport {
public:
    /// errors    not_supported (a legacy or transitional device without modern capabilities), out_of_range (a
    /// capability
    ///           points outside its BAR), errors of BarWindows
    [[nodiscard]] static Result<PciTransport> create(pci::ConfigurationSpace& space, pci::Address address,
                                                     BarWindows& bars);

    std::uint64_t device_features() override;
    void set_driver_features(std::uint64_t features) override;
    std::uint8_t status() override;
    void set_status(std::uint8_t status) override;
    std::uint16_t queue_entries(std::uint16_t queue) override;
    Result<> enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                          std::uint16_t vector) override;
    void notify(std::uint16_t queue) override;
    Result<> set_configuration_vector(std::uint16_t vector) override;
    std::uint32_t take_interrupt_status() override;
    std::uint32_t configuration_generation() override;
    std::uint8_t configuration8(std::size_t offset) override;
    std::uint16_t configuration16(std::size_t offset) override;
    std::uint32_t configuration32(std::size_t offset) override;
    void set_configuration32(std::size_t offset, std::uint32_t value) override;

private:
    PciTransport() = default;

    static constexpr std::size_t doorbell_limit = 64;  // queues whose doorbells we remember

    mmio::Window common_;
    mmio::Window notify_;
    mmio::Window isr_;
    mmio::Window device_;  // empty if the device has no configuration
    std::uint32_t notify_multiplier_ = 0;
    std::array<std::uint16_t, doorbell_limit> doorbells_{};
};

}  // namespace astrata::virtio
