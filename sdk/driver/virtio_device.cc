#include "sdk/driver/virtio_device.h"

#include <new>

#include "sdk/log.h"

namespace astrata::sdk {

Result<std::unique_ptr<VirtioDevice>> VirtioDevice::open(abi::Handle handle) {
    auto const description = TRY(abi::DeviceClient(handle).description());
    std::unique_ptr<VirtioDevice> device(new (std::nothrow) VirtioDevice(handle, description));
    if (device == nullptr)
        return fail(Error::no_memory);
    TRY(device->open_transport());
    auto interrupt = TRY(device->device_.interrupt(0));
    device->interrupt_ = std::move(interrupt.interrupt);
    device->is_line_ = interrupt.needs_acknowledge != 0;
    device->domain_ = TRY(device->device_.dma());
    device->dma_.emplace(device->domain_.get());
    return device;
}

Result<> VirtioDevice::open_transport() {
    if (description_.bus == abi::BusKind::virtio_mmio) {
        auto window = TRY(MappedWindow::map(device_, 0));
        TRY(windows_.push_back(std::move(window)));
        auto const transport = virtio::MmioTransport::create(windows_[0].registers());
        if (!transport) {
            if (transport.error() == Error::not_supported)
                log("the device offers only the legacy virtio-mmio interface; QEMU needs -global "
                    "virtio-mmio.force-legacy=false");
            return fail(transport.error());
        }
        transport_ = &mmio_.emplace(*transport);
        return {};
    }
    auto const transport = virtio::PciTransport::create(configuration_, {}, *this);
    if (!transport) {
        if (transport.error() == Error::not_supported)
            log("the device offers only the legacy virtio PCI interface; QEMU needs disable-modern=off");
        return fail(transport.error());
    }
    transport_ = &pci_.emplace(*transport);
    return {};
}

Result<mmio::Window> VirtioDevice::bar(std::uint8_t index) {
    for (auto const& window : windows_) {
        if (window.index() == index)
            return window.registers();
    }
    for (std::uint32_t position = 0; position < description_.window_count; ++position) {
        auto window = MappedWindow::map(device_, position);
        if (!window || window->index() != index)
            continue;
        auto const registers = window->registers();
        TRY(windows_.push_back(std::move(*window)));
        return registers;
    }
    return fail(Error::not_found);
}

void VirtioDevice::begin_interrupt() {
    if (is_line_)
        (void)transport_->take_interrupt_status();
}

void VirtioDevice::end_interrupt() {
    // A failed acknowledgement means that the handle was revoked: this driver is being replaced.
    if (is_line_)
        (void)sys::interrupt_acknowledge(interrupt_.get());
}

}  // namespace astrata::sdk
