// PCI configuration space: addresses, access, the common header.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "lib/base/result.h"

namespace astrata::pci {

struct Address {
    std::uint16_t segment = 0;
    std::uint8_t bus = 0;
    std::uint8_t device = 0;    ///< 0..31
    std::uint8_t function = 0;  ///< 0..7

    constexpr auto operator<=>(Address const&) const = default;
    /// segment<<16 | bus<<8 | device<<3 | function: also the order of enumeration.
    [[nodiscard]] constexpr std::uint32_t packed() const {
        return std::uint32_t{segment} << 16 | std::uint32_t{bus} << 8 | std::uint32_t{device} << 3 | function;
    }
};

/// How configuration space is reached. `offset` is a multiple of `width`, which is 1, 2 or 4; reads of what is absent
/// give all ones.
class ConfigurationSpace {
public:
    virtual std::uint32_t read(Address address, std::uint16_t offset, unsigned width) = 0;
    virtual void write(Address address, std::uint16_t offset, unsigned width, std::uint32_t value) = 0;

    std::uint8_t read8(Address address, std::uint16_t offset) {
        return static_cast<std::uint8_t>(read(address, offset, 1));
    }
    std::uint16_t read16(Address address, std::uint16_t offset) {
        return static_cast<std::uint16_t>(read(address, offset, 2));
    }
    std::uint32_t read32(Address address, std::uint16_t offset) { return read(address, offset, 4); }

protected:
    ~ConfigurationSpace() = default;
};

/// Offsets of the header's registers (PCI 3.0 section 6.1; bridges: PCI-to-PCI Bridge 1.2 section 3.2).
namespace offset {
inline constexpr std::uint16_t vendor = 0x00, device = 0x02, command = 0x04, status = 0x06, revision = 0x08;
inline constexpr std::uint16_t header_type = 0x0e, bar0 = 0x10, subsystem_vendor = 0x2c, subsystem_device = 0x2e;
inline constexpr std::uint16_t capabilities = 0x34, interrupt_line = 0x3c, interrupt_pin = 0x3d;
inline constexpr std::uint16_t primary_bus = 0x18, secondary_bus = 0x19, subordinate_bus = 0x1a;
inline constexpr std::uint16_t io_base = 0x1c, io_limit = 0x1d, memory_base = 0x20, memory_limit = 0x22;
inline constexpr std::uint16_t prefetchable_base = 0x24, prefetchable_limit = 0x26;
inline constexpr std::uint16_t io_base_high = 0x30, io_limit_high = 0x32;
}  // namespace offset

/// Bits of the command register.
namespace command {
inline constexpr std::uint16_t io_decode = 1 << 0, memory_decode = 1 << 1, bus_master = 1 << 2,
                               no_interrupt_line = 1 << 10;
}

/// The header of one function.
struct Function {
    Address address;
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::uint16_t subsystem_vendor = 0;
    std::uint16_t subsystem_device = 0;
    std::uint32_t class_code = 0;  ///< class<<16 | subclass<<8 | programming interface
    std::uint8_t revision = 0;
    std::uint8_t interrupt_line = 0;  ///< what firmware wrote; 0 or 0xff: nothing
    std::uint8_t interrupt_pin = 0;   ///< 0 none, 1..4 = INTA..INTD
    bool is_bridge = false;           ///< PCI-to-PCI
    bool is_multifunction = false;

    /// Base address registers that the header has.
    [[nodiscard]] unsigned bar_count() const { return is_bridge ? 2 : 6; }
};

/// errors    no_device (nothing answers), not_supported (a header layout other than device and bridge)
[[nodiscard]] Result<Function> read_function(ConfigurationSpace& space, Address address);

/// Sets and clears bits of the command register.
void change_command(ConfigurationSpace& space, Address address, std::uint16_t set, std::uint16_t clear);

}  // namespace astrata::pci
