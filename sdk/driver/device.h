// A driver's one device: its windows, mapped, and its configuration space.
#pragma once

#include "abi/device.h"
#include "lib/mmio/registers.h"
#include "lib/pci/configuration.h"
#include "sdk/memory.h"

namespace astrata::sdk {

/// Device memory, mapped uncached.
class MappedWindow {
public:
    MappedWindow() = default;
    /// The `position`-th window of the device.
    /// errors    not_supported (a port window), and those of Device.window and of mapping
    [[nodiscard]] static Result<MappedWindow> map(abi::DeviceClient const& device, std::uint32_t position);

    [[nodiscard]] mmio::Window registers() const { return registers_; }
    /// Of a PCI device: which base address register.
    [[nodiscard]] std::uint32_t index() const { return index_; }

private:
    UniqueHandle object_;
    Mapping mapping_;
    mmio::Window registers_;
    std::uint32_t index_ = 0;
};

/// PCI configuration space of the device, by messages. The address is ignored: there is only the one device.
class DeviceConfiguration final : public pci::ConfigurationSpace {
public:
    explicit DeviceConfiguration(abi::Handle device) : device_(device) {}

    std::uint32_t read(pci::Address address, std::uint16_t offset, unsigned width) override;
    void write(pci::Address address, std::uint16_t offset, unsigned width, std::uint32_t value) override;

private:
    abi::DeviceClient device_;
};

}  // namespace astrata::sdk
