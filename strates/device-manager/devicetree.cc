#include "strates/device-manager/devicetree.h"

#include "lib/devicetree/pci_host.h"
#include "sdk/log.h"
#include "strates/device-manager/physical_memory.h"

namespace astrata::device_manager {

namespace {

using devicetree::Tree;

constexpr std::uint64_t device_bytes_limit = 1 << 20;  // of registers

std::optional<MmioDevice> mmio_device(Tree const& tree, devicetree::Node node) {
    auto const window = tree.registers(node);
    auto const interrupt = devicetree::interrupt_of(tree, node);
    if (!tree.is_enabled(node) || !window || !interrupt || window->length == 0 || window->length > device_bytes_limit)
        return std::nullopt;
    return MmioDevice{.base = window->start,
                      .length = static_cast<std::uint32_t>(window->length),
                      .interrupt = interrupt->line,
                      .is_edge = interrupt->is_edge,
                      .is_active_low = interrupt->is_active_low};
}

void find_virtio_mmio(Tree const& tree, MachineFacts& facts) {
    constexpr auto* kind = "virtio,mmio";
    for (auto node = tree.find_compatible(kind); node && !facts.virtio_mmio.is_full();
         node = tree.find_compatible(kind, node)) {
        if (auto const device = mmio_device(tree, *node); device)
            (void)facts.virtio_mmio.push_back(*device);
    }
}

pci::Aperture aperture_of(std::optional<devicetree::PciAperture> const& from) {
    // Windows at other addresses than the CPU sees them at are nothing that drivers could be told.
    if (!from || from->bus_address != from->region.start.value)
        return {};
    return {.start = from->bus_address, .end = from->bus_address + from->region.length};
}

void find_pci(Tree const& tree, MachineFacts& facts) {
    auto const host = devicetree::find_pci_host(tree);
    if (!host)
        return;
    facts.pci_window = acpi::McfgWindow{
        .base = host->configuration.start, .segment = 0, .first_bus = host->first_bus, .last_bus = host->last_bus};
    facts.pci_apertures =
        pci::Apertures{.memory32 = aperture_of(host->memory_32), .memory64 = aperture_of(host->memory_64)};
    auto& lines = facts.pci_lines.emplace();
    for (std::uint8_t device = 0; device < lines.size(); ++device) {
        for (std::uint8_t pin = 0; pin < lines[device].size(); ++pin) {
            if (auto const line = devicetree::pci_interrupt(tree, *host, device, static_cast<std::uint8_t>(pin + 1)))
                lines[device][pin] = line->line;
        }
    }
}

// Serial ports and clocks that we have drivers for.
void find_platform(Tree const& tree, MachineFacts& facts) {
    struct Kind {
        char const* compatible;
        std::string_view name;
    };
    constexpr std::array kinds{Kind{"arm,pl011", "pl011"}, Kind{"ns16550a", "ns16550"}, Kind{"arm,pl031", "pl031"},
                               Kind{"google,goldfish-rtc", "goldfish-rtc"}};
    for (auto const& kind : kinds) {
        auto const node = tree.find_compatible(kind.compatible);
        auto const device = node ? mmio_device(tree, *node) : std::nullopt;
        if (device)
            (void)facts.platform.push_back({.name = kind.name, .mmio = *device});
    }
}

}  // namespace

MachineFacts read_devicetree(abi::Handle memory, PhysAddr start, std::uint64_t length) {
    MachineFacts facts;
    auto const mapping = PhysicalMapping::map(memory, start, length, abi::Access::read, abi::MapFlags{});
    auto const tree = mapping ? Tree::open(mapping->bytes()) : fail(mapping.error());
    if (!tree) {
        sdk::log("the devicetree cannot be read: ", tree.error());
        return facts;
    }
    facts.firmware = Firmware::devicetree;
    find_virtio_mmio(*tree, facts);
    find_pci(*tree, facts);
    find_platform(*tree, facts);
    return facts;
}

}  // namespace astrata::device_manager
