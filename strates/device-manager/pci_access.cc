#include "strates/device-manager/pci_access.h"

namespace astrata::device_manager {

namespace {

constexpr std::uint64_t bus_bytes = 1 << 20;
constexpr std::uint64_t address_port = 0xcf8, data_port = 0xcfc;
constexpr std::uint32_t enable = 0x8000'0000;

constexpr std::uint32_t all_ones(unsigned width) {
    return 0xffff'ffff >> (32 - 8 * width);
}

std::size_t function_offset(pci::Address address) {
    return std::size_t{address.device} << 15 | std::size_t{address.function} << 12;
}

}  // namespace

mmio::Window EcamAccess::bus_window(std::uint8_t number) {
    for (auto const& bus : buses_) {
        if (bus.number == number)
            return bus.mapping.registers();
    }
    if (number < window_.first_bus || number > window_.last_bus)
        return {};
    auto mapping = PhysicalMapping::map(memory_, window_.base + number * bus_bytes, bus_bytes,
                                        abi::Access::read | abi::Access::write, abi::MapFlags::uncached);
    if (!mapping)
        return {};
    auto const registers = mapping->registers();
    if (!buses_.push_back({number, std::move(*mapping)}))
        return {};
    return registers;
}

std::uint32_t EcamAccess::read(pci::Address address, std::uint16_t offset, unsigned width) {
    auto const window = bus_window(address.bus);
    auto const at = function_offset(address) + offset;
    switch (width) {
    case 1: return window.read_at<std::uint8_t>(at);
    case 2: return window.read_at<std::uint16_t>(at);
    default: return window.read_at<std::uint32_t>(at);
    }
}

void EcamAccess::write(pci::Address address, std::uint16_t offset, unsigned width, std::uint32_t value) {
    auto const window = bus_window(address.bus);
    auto const at = function_offset(address) + offset;
    switch (width) {
    case 1: return window.write_at(at, static_cast<std::uint8_t>(value));
    case 2: return window.write_at(at, static_cast<std::uint16_t>(value));
    default: return window.write_at(at, value);
    }
}

bool PortAccess::is_present() {
    // The address register keeps what is written to it; without a host bridge nothing does.
    return sys::port_write(ports_, address_port, 4, enable) &&
           sys::port_read(ports_, address_port, 4).value_or(0) == enable;
}

bool PortAccess::select(pci::Address address, std::uint16_t offset) {
    if (offset >= 256 || address.segment != 0)
        return false;
    auto const value = enable | (address.packed() << 8) | (offset & 0xfcu);
    return sys::port_write(ports_, address_port, 4, value).has_value();
}

std::uint32_t PortAccess::read(pci::Address address, std::uint16_t offset, unsigned width) {
    if (!select(address, offset))
        return all_ones(width);
    return static_cast<std::uint32_t>(sys::port_read(ports_, data_port + offset % 4, width).value_or(all_ones(width)));
}

void PortAccess::write(pci::Address address, std::uint16_t offset, unsigned width, std::uint32_t value) {
    if (select(address, offset))
        (void)sys::port_write(ports_, data_port + offset % 4, width, value);
}

}  // namespace astrata::device_manager
