// Enumeration of PCI buses, and the assignments that firmware may have left undone: bus numbers, windows, interrupt
// lines.
#pragma once

#include <span>

#include "lib/pci/bars.h"
#include "lib/pci/capabilities.h"

namespace astrata::pci {

/// A range of bus addresses to place base address registers in: [start, end).
struct Aperture {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
};

/// Where windows may be placed.
struct Apertures {
    Aperture memory32;  ///< below 4 GiB
    Aperture memory64;  ///< above; for large 64-bit registers
    Aperture ports;
};

/// The part of [0xc0000000, 0xfec00000) beside the ECAM window, which is free for PCI on every machine we know: above
/// the RAM below 4 GiB, below the IO-APIC. Without an ECAM window RAM may reach up to 0xe0000000 (i440FX). ecam_base,
/// ecam_end    0, 0 when there is none memory_total           of the machine, in bytes; memory64 begins above where RAM
/// can end
[[nodiscard]] Apertures default_apertures(std::uint64_t ecam_base, std::uint64_t ecam_end, std::uint64_t memory_total);

struct Device {
    Function function;
    BarList bars;
    Address root;               ///< the device on the root bus behind which it sits (or itself)
    std::uint8_t root_pin = 0;  ///< its interrupt pin as seen there: 0 none, 1..4
};

/// Storage for what `enumerate` finds; the caller owns it.
struct Enumeration {
    std::span<Device> devices;
    std::size_t count = 0;
    std::size_t dropped = 0;   ///< found, but there was no place for them
    std::size_t unplaced = 0;  ///< base address registers that fit into no aperture

    [[nodiscard]] std::span<Device> found() const { return devices.first(count); }
};

/// Finds all functions below root bus `first_bus` of `segment`, gives bridges numbers up to `last_bus` if theirs make
/// no sense, sizes all base address registers and places those that are not assigned yet.
void enumerate(ConfigurationSpace& space, std::uint16_t segment, std::uint8_t first_bus, std::uint8_t last_bus,
               Apertures const& apertures, Enumeration& result);

/// The IO-APIC input of a device's interrupt pin on the chipsets that QEMU has; 0 when unknown. `host_bridge` is
/// function 0:0.0.
[[nodiscard]] std::uint32_t interrupt_line_of(Device const& device, Function const& host_bridge);

}  // namespace astrata::pci
