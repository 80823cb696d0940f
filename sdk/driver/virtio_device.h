// A virtio device as a driver finds it behind its Device endpoint: transport, one interrupt for everything, DMA memory.
#pragma once

#include <memory>
#include <optional>

#include "lib/virtio/mmio_transport.h"
#include "lib/virtio/pci_transport.h"
#include "sdk/driver/device.h"
#include "sdk/driver/dma.h"

namespace astrata::sdk {

class VirtioDevice final : private virtio::BarWindows {
public:
    /// device    the Device endpoint; borrowed
    /// errors    not_supported (a legacy device; the log says so), and those of the Device interface
    [[nodiscard]] static Result<std::unique_ptr<VirtioDevice>> open(abi::Handle device);

    [[nodiscard]] virtio::Transport& transport() { return *transport_; }
    [[nodiscard]] DmaPool& dma() { return *dma_; }
    [[nodiscard]] abi::Handle dma_domain() const { return domain_.get(); }

    /// The one Interrupt, for EventLoop::on_signal; every queue uses it.
    [[nodiscard]] abi::Handle interrupt() const { return interrupt_.get(); }
    /// What enable_queue wants as vector.
    [[nodiscard]] std::uint16_t vector() const { return is_line_ ? virtio::no_vector : std::uint16_t{0}; }
    /// Around handling an interrupt: lowers the line before looking at the queues, unmasks it afterwards.
    void begin_interrupt();
    void end_interrupt();

private:
    VirtioDevice(abi::Handle device, abi::DeviceDescription const& description)
        : device_(device), description_(description), configuration_(device) {}

    Result<> open_transport();
    Result<mmio::Window> bar(std::uint8_t index) override;

    abi::DeviceClient device_;
    abi::DeviceDescription description_;
    DeviceConfiguration configuration_;
    Vector<MappedWindow> windows_;
    std::optional<virtio::PciTransport> pci_;
    std::optional<virtio::MmioTransport> mmio_;
    virtio::Transport* transport_ = nullptr;
    UniqueHandle interrupt_;
    bool is_line_ = false;
    UniqueHandle domain_;
    std::optional<DmaPool> dma_;
};

}  // namespace astrata::sdk
