#include "lib/devicetree/pci_host.h"

namespace astrata::devicetree {

namespace {

// The first cell of a PCI address: what kind of space it is in (IEEE 1275 PCI binding, section 2.2.1.1).
constexpr std::uint64_t is_prefetchable = 1U << 30;
constexpr std::uint64_t space_mask = 3U << 24;
constexpr std::uint64_t port_space = 1U << 24;
constexpr std::uint64_t memory_space_32 = 2U << 24;

constexpr std::uint32_t pci_address_cells = 3;
constexpr std::uint32_t pci_size_cells = 2;

Result<> take_ranges(Tree const& tree, PciHost& host) {
    auto const value = tree.property(host.node, "ranges");
    auto const bus = tree.parent(host.node);
    if (!value || !bus)
        return fail(Error::corrupt);
    auto const parent_cells = tree.cells_below(*bus).address;
    Cells cells(*value);
    while (cells.count() != 0) {
        auto const attributes = TRY(cells.take());
        auto const bus_address = TRY(cells.take(2));
        auto const start = TRY(tree.translate(*bus, TRY(cells.take(parent_cells))));
        PciAperture const aperture{.bus_address = bus_address,
                                   .region = {.start = start, .length = TRY(cells.take(pci_size_cells))},
                                   .is_prefetchable = (attributes & is_prefetchable) != 0};
        auto const space = attributes & space_mask;
        (space == port_space ? host.ports : space == memory_space_32 ? host.memory_32 : host.memory_64) = aperture;
    }
    return {};
}

}  // namespace

Result<PciHost> find_pci_host(Tree const& tree) {
    for (auto node = tree.find_compatible("pci-host-ecam-generic"); node;
         node = tree.find_compatible("pci-host-ecam-generic", node)) {
        if (!tree.is_enabled(*node))
            continue;
        PciHost host{.node = *node, .configuration = TRY(tree.registers(*node))};
        if (auto const buses = tree.property(*node, "bus-range"); buses) {
            Cells cells(*buses);
            host.first_bus = static_cast<std::uint8_t>(TRY(cells.take()));
            host.last_bus = static_cast<std::uint8_t>(TRY(cells.take()));
        }
        TRY(take_ranges(tree, host));
        return host;
    }
    return fail(Error::not_found);
}

Result<InterruptLine> pci_interrupt(Tree const& tree, PciHost const& host, std::uint8_t device, std::uint8_t pin) {
    auto const map = tree.property(host.node, "interrupt-map");
    auto const mask = tree.property(host.node, "interrupt-map-mask");
    if (!map || !mask)
        return fail(Error::not_found);
    Cells mask_cells(*mask);
    auto const device_mask = TRY(mask_cells.take());
    TRY(mask_cells.skip(pci_address_cells - 1));
    auto const pin_mask = TRY(mask_cells.take());
    auto const wanted_device = (std::uint64_t{device} << 11) & device_mask;
    // Entries of the device's address, its pin, the controller's handle, an address there and its specifier.
    Cells cells(*map);
    while (cells.count() != 0) {
        auto const entry_device = TRY(cells.take()) & device_mask;
        TRY(cells.skip(pci_address_cells - 1));
        auto const entry_pin = TRY(cells.take()) & pin_mask;
        auto const controller = tree.by_handle(static_cast<std::uint32_t>(TRY(cells.take())));
        if (!controller)
            return fail(Error::corrupt);
        TRY(cells.skip(tree.number(*controller, "#address-cells").value_or(0)));
        if (entry_device == wanted_device && entry_pin == (pin & pin_mask))
            return take_specifier(tree, *controller, cells);
        TRY(cells.skip(tree.number(*controller, "#interrupt-cells").value_or(0)));
    }
    return fail(Error::not_found);
}

}  // namespace astrata::devicetree
