// A PCI host bridge with memory-mapped configuration space (PCI Bus Binding to IEEE 1275, "pci-host-ecam-generic").
#pragma once

#include "lib/devicetree/interrupts.h"

namespace astrata::devicetree {

/// Where devices' windows may be placed.
struct PciAperture {
    std::uint64_t bus_address = 0;
    Region region;  ///< as the CPU sees it
    bool is_prefetchable = false;
};

struct PciHost {
    Node node;
    Region configuration;  ///< ECAM of all buses from `first_bus` on
    std::uint8_t first_bus = 0;
    std::uint8_t last_bus = 255;
    std::optional<PciAperture> memory_32;
    std::optional<PciAperture> memory_64;
    std::optional<PciAperture> ports;
};

/// The first enabled host bridge of the tree.
/// errors    not_found, corrupt
[[nodiscard]] Result<PciHost> find_pci_host(Tree const& tree);
/// The line of an interrupt pin (1 is INTA) of a device on the root bus, by the bridge's "interrupt-map".
/// errors    not_found, not_supported, corrupt
[[nodiscard]] Result<InterruptLine> pci_interrupt(Tree const& tree, PciHost const& host, std::uint8_t device,
                                                  std::uint8_t pin);

}  // namespace astrata::devicetree
