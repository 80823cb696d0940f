// The list of capabilities in configuration space (PCI 3.0 section 6.7), and the ones we use.
#pragma once

#include <optional>

#include "lib/pci/configuration.h"

namespace astrata::pci {

namespace capability {
inline constexpr std::uint8_t power_management = 0x01, msi = 0x05, vendor_specific = 0x09, pci_express = 0x10,
                              msix = 0x11;
}

struct Capability {
    std::uint8_t id = 0;
    std::uint8_t offset = 0;
};

/// Walks the list. A device whose list loops or leaves the header ends the walk: at most 48 capabilities fit.
class CapabilityWalker {
public:
    CapabilityWalker(ConfigurationSpace& space, Address address);
    std::optional<Capability> next();

private:
    ConfigurationSpace& space_;
    Address address_;
    std::uint8_t position_ = 0;
    std::uint8_t left_ = 48;
};

/// The first one with this id.
[[nodiscard]] std::optional<Capability> find_capability(ConfigurationSpace& space, Address address, std::uint8_t id);

/// PCI 3.0 section 6.8.2.
struct MsiX {
    std::uint8_t offset = 0;    ///< of the capability
    std::uint16_t vectors = 0;  ///< 1..2048
    std::uint8_t table_bar = 0;
    std::uint32_t table_offset = 0;
    std::uint8_t pending_bar = 0;
    std::uint32_t pending_offset = 0;

    [[nodiscard]] std::uint32_t table_bytes() const { return vectors * 16u; }
};

/// Absent too when the device's values are impossible.
[[nodiscard]] std::optional<MsiX> find_msix(ConfigurationSpace& space, Address address);

/// Message control: enable (bit 15) and function mask (bit 14).
void set_msix_control(ConfigurationSpace& space, Address address, MsiX const& msix, bool is_enabled, bool is_masked);

/// Layout of one table entry, in bytes: address low, address high, data, vector control (bit 0 masks).
namespace msix_entry {
inline constexpr std::uint32_t bytes = 16, address_low = 0, address_high = 4, data = 8, control = 12;
}

/// True for offsets that drivers may not write: command, BARs, bridge and interrupt registers, and the capabilities
/// through which a device could be told to write to arbitrary memory (MSI, MSI-X). `width` bytes from `offset` on.
[[nodiscard]] bool is_protected_from_drivers(ConfigurationSpace& space, Address address, std::uint16_t offset,
                                             unsigned width);

}  // namespace astrata::pci
