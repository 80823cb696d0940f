// The virtio-mmio transport, version 2 (virtio 1.2 section 4.2).
#pragma once

#include "lib/mmio/registers.h"
#include "lib/virtio/transport.h"

namespace astrata::virtio {

inline constexpr std::uint32_t mmio_magic = 0x7472'6976;  // "virt"
inline constexpr std::size_t mmio_window_bytes = 0x200;   // what QEMU and Firecracker give each device

/// What a register window says about itself, before anybody drives it.
struct MmioIdentity {
    std::uint32_t version = 0;    ///< 2; 1 is the legacy interface
    std::uint32_t device_id = 0;  ///< 0: nothing is plugged in here
    std::uint32_t vendor_id = 0;
};

/// errors    no_device (no virtio-mmio registers here)
[[nodiscard]] Result<MmioIdentity> identify_mmio(mmio::Window window);

class MmioTransport final : public Transport {
public:
    /// window    the device's registers, mapped uncached; borrowed
    /// errors    no_device, not_supported (legacy interface: QEMU needs -global virtio-mmio.force-legacy=false)
    [[nodiscard]] static Result<MmioTransport> create(mmio::Window window);

    std::uint64_t device_features() override;
    void set_driver_features(std::uint64_t features) override;
    std::uint8_t status() override;
    void set_status(std::uint8_t status) override;
    std::uint16_t queue_entries(std::uint16_t queue) override;
    Result<> enable_queue(std::uint16_t queue, std::uint16_t entries, QueueAddresses addresses,
                          std::uint16_t vector) override;
    void notify(std::uint16_t queue) override;
    /// There is one line for everything; only no_vector and 0 are possible.
    Result<> set_configuration_vector(std::uint16_t vector) override;
    std::uint32_t take_interrupt_status() override;
    std::uint32_t configuration_generation() override;
    std::uint8_t configuration8(std::size_t offset) override;
    std::uint16_t configuration16(std::size_t offset) override;
    std::uint32_t configuration32(std::size_t offset) override;
    void set_configuration32(std::size_t offset, std::uint32_t value) override;

private:
    explicit MmioTransport(mmio::Window window) : window_(window) {}
    mmio::Window window_;
};

}  // namespace astrata::virtio
