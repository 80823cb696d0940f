#include "lib/pci/capabilities.h"

namespace astrata::pci {

namespace {

constexpr std::uint16_t status_has_capabilities = 1 << 4;
constexpr std::uint16_t msix_enable = 1 << 15, msix_function_mask = 1 << 14;

// Bytes that a capability occupies, as far as we must protect it.
unsigned protected_bytes(std::uint8_t id) {
    switch (id) {
    case capability::msi: return 24;
    case capability::msix: return 12;
    case capability::power_management: return 8;  // a function in D3 loses its configuration
    case capability::pci_express: return 60;      // function-level reset, payload sizes
    default: return 0;
    }
}

}  // namespace

CapabilityWalker::CapabilityWalker(ConfigurationSpace& space, Address address) : space_(space), address_(address) {
    if ((space.read16(address, offset::status) & status_has_capabilities) != 0)
        position_ = space.read8(address, offset::capabilities) & 0xfc;
}

std::optional<Capability> CapabilityWalker::next() {
    if (position_ < 0x40 || left_ == 0)
        return std::nullopt;
    --left_;
    Capability const found{.id = space_.read8(address_, position_), .offset = position_};
    if (found.id == 0xff)  // nothing answers any more
        return std::nullopt;
    position_ = space_.read8(address_, static_cast<std::uint16_t>(position_ + 1)) & 0xfc;
    return found;
}

std::optional<Capability> find_capability(ConfigurationSpace& space, Address address, std::uint8_t id) {
    CapabilityWalker walker(space, address);
    while (auto const found = walker.next()) {
        if (found->id == id)
            return found;
    }
    return std::nullopt;
}

std::optional<MsiX> find_msix(ConfigurationSpace& space, Address address) {
    auto const found = find_capability(space, address, capability::msix);
    if (!found)
        return std::nullopt;
    auto const at = [&](unsigned distance) { return static_cast<std::uint16_t>(found->offset + distance); };
    auto const table = space.read32(address, at(4));
    auto const pending = space.read32(address, at(8));
    MsiX const msix{.offset = found->offset,
                    .vectors = static_cast<std::uint16_t>((space.read16(address, at(2)) & 0x7ff) + 1),
                    .table_bar = static_cast<std::uint8_t>(table & 7),
                    .table_offset = table & ~7u,
                    .pending_bar = static_cast<std::uint8_t>(pending & 7),
                    .pending_offset = pending & ~7u};
    if (msix.table_bar > 5 || msix.pending_bar > 5)
        return std::nullopt;
    return msix;
}

void set_msix_control(ConfigurationSpace& space, Address address, MsiX const& msix, bool is_enabled, bool is_masked) {
    auto const offset = static_cast<std::uint16_t>(msix.offset + 2);
    auto control = space.read16(address, offset) & ~(msix_enable | msix_function_mask);
    control |= is_enabled ? msix_enable : 0;
    control |= is_masked ? msix_function_mask : 0;
    space.write(address, offset, 2, static_cast<std::uint16_t>(control));
}

bool is_protected_from_drivers(ConfigurationSpace& space, Address address, std::uint16_t offset, unsigned width) {
    // The whole standard header: nothing in it is a driver's affair but cache line size and latency timer, which PCI
    // Express ignores.
    if (offset < 0x40)
        return true;
    CapabilityWalker walker(space, address);
    while (auto const found = walker.next()) {
        auto const end = found->offset + protected_bytes(found->id);
        if (offset < end && offset + width > found->offset)
            return true;
    }
    return false;
}

}  // namespace astrata::pci
