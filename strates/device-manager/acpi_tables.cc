#include "strates/device-manager/acpi_tables.h"

#include "lib/acpi/cpu_hotplug.h"
#include "strates/device-manager/physical_memory.h"

namespace astrata::device_manager {

namespace {

// ACPI 6.5 section 5.2.5.1: where BIOSes put the RSDP.
constexpr PhysAddr bios_area{0xe0000};
constexpr std::size_t bios_area_bytes = 0x20000;

PhysAddr search_rsdp(TableMemory& memory) {
    auto const found = acpi::find_rsdp(memory.map(bios_area, bios_area_bytes));
    return found ? bios_area + *found : PhysAddr{};
}

abi::InterruptTrigger trigger_of(acpi::InterruptOverride const& line) {
    // What the bus has by default is, for this interrupt, level-triggered and active low (section 5.2.12.5).
    bool const is_high = line.polarity == acpi::Polarity::active_high;
    if (line.trigger == acpi::Trigger::edge)
        return is_high ? abi::InterruptTrigger::edge_high : abi::InterruptTrigger::edge_low;
    return is_high ? abi::InterruptTrigger::level_high : abi::InterruptTrigger::level_low;
}

void read_interrupts(Bytes table, MachineFacts& facts) {
    auto const madt = acpi::parse_madt(table);
    if (!madt)
        return;
    acpi::MadtReader reader(*madt);
    while (auto const entry = reader.next()) {
        if (std::holds_alternative<acpi::IoApic>(*entry))
            ++facts.io_apics;
        auto const* const line = std::get_if<acpi::InterruptOverride>(&*entry);
        if (line != nullptr && facts.fadt && line->isa_line == facts.fadt->sci_interrupt) {
            facts.event_line = line->global_interrupt;
            facts.event_trigger = trigger_of(*line);
        }
    }
}

void read_definition_block(Bytes block, MachineFacts& facts) {
    if (auto const type = acpi::find_soft_off_sleep_type(block))
        facts.soft_off = *type;
    if (auto const port = acpi::cpu_hotplug::find(block))
        facts.cpu_hotplug_port = *port;
    while (!facts.virtio_mmio.is_full()) {
        auto const device = acpi::find_virtio_mmio(block, facts.virtio_mmio.size());
        if (!device)
            return;
        (void)facts.virtio_mmio.push_back(*device);
    }
}

std::optional<acpi::McfgWindow> find_window(Bytes table) {
    for (std::size_t position = 0; position < acpi::mcfg_window_count(table).value_or(0); ++position) {
        auto const window = acpi::mcfg_window(table, position);
        if (window && window->segment == 0)
            return *window;
    }
    return std::nullopt;
}

}  // namespace

MachineFacts read_acpi(abi::Handle region, PhysAddr rsdp) {
    MachineFacts facts;
    // On every PC, and known by fixed addresses.
    (void)facts.platform.push_back({.name = "ns16550", .mmio = {.interrupt = 4}});
    (void)facts.platform.push_back({.name = "cmos-rtc", .mmio = {.interrupt = 8}});
    TableMemory memory(region);
    auto const map = [&memory](PhysAddr address, std::size_t size) { return memory.map(address, size); };
    if (rsdp.value == 0)
        rsdp = search_rsdp(memory);
    if (rsdp.value == 0)
        return facts;
    auto finder = acpi::TableFinder<decltype(map)>::create(map, rsdp);
    if (!finder)
        return facts;
    facts.firmware = Firmware::acpi;
    if (auto const table = finder->find(acpi::signature("MCFG")))
        facts.pci_window = find_window(*table);
    if (auto const table = finder->find(acpi::signature("FACP"))) {
        if (auto const fadt = acpi::parse_fadt(*table)) {
            facts.fadt = *fadt;
            facts.event_line = fadt->sci_interrupt;
        }
    }
    if (auto const table = finder->find(acpi::signature("APIC")))
        read_interrupts(*table, facts);
    if (facts.fadt) {
        if (auto const block = finder->definition_block(*facts.fadt))
            read_definition_block(*block, facts);
    }
    return facts;
}

}  // namespace astrata::device_manager
