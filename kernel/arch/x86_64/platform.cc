#include "arch/platform.h"

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "arch/interrupt_routing.h"
#include "arch/ports.h"
#include "arch/smp.h"
#include "arch/user_view.h"
#include "kernel/arch/x86_64/boot/boot_cpu.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/log/print.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/time/clock.h"
#include "kernel/trap/panic.h"
#include "lib/acpi/affinity.h"
#include "lib/acpi/tables.h"

namespace astrata::kernel::arch {

namespace {

constinit PhysAddr rsdp_address{};
constinit numa::NodeMap node_map;

// Where a PC has its first IO-APIC when no table says otherwise.
constexpr std::uint64_t standard_io_apic = 0xfec0'0000;

// Firmware tables may lie in memory that the direct map does not show.
Bytes map_firmware(PhysAddr address, std::size_t size) {
    auto const mapped = mem::map_device(address, size);
    if (!mapped)
        return {};
#pragma clang unsafe_buffer_usage begin
    return Bytes(reinterpret_cast<std::byte const*>(mapped->value), size);
#pragma clang unsafe_buffer_usage end
}

PhysAddr find_root_pointer(BootInfo const& info) {
    if (info.rsdp.value != 0)
        return info.rsdp;
    // ACPI 6.5, section 5.2.5.1: on 16-byte boundaries in the BIOS area.
    constexpr PhysAddr bios_area{0xe0000};
    auto const found = acpi::find_rsdp(map_firmware(bios_area, 0x20000));
    return found ? bios_area + *found : PhysAddr{};
}

// 8259 controllers deliver on vectors that collide with exceptions unless they are moved and masked.
void silence_legacy_controllers() {
    port_out<std::uint8_t>(0x20, 0x11);
    port_out<std::uint8_t>(0xa0, 0x11);
    port_out<std::uint8_t>(0x21, 0x20);
    port_out<std::uint8_t>(0xa1, 0x28);
    port_out<std::uint8_t>(0x21, 4);
    port_out<std::uint8_t>(0xa1, 2);
    port_out<std::uint8_t>(0x21, 1);
    port_out<std::uint8_t>(0xa1, 1);
    port_out<std::uint8_t>(0x21, 0xff);
    port_out<std::uint8_t>(0xa1, 0xff);
}

void list_processors(acpi::Madt const& madt, bool are_enabled, Account& account) {
    auto const own = local_apic_id();
    acpi::MadtReader processors(madt);
    while (auto entry = processors.next()) {
        auto const* processor = std::get_if<acpi::LocalApic>(&*entry);
        // An x2APIC id of all ones, or an APIC id of 255, stands for no processor (ACPI 6.5, section 5.2.12).
        if (processor == nullptr || processor->is_enabled != are_enabled || processor->apic_id == own ||
            processor->apic_id == 0xff || processor->apic_id == 0xffff'ffff)
            continue;
        if (auto listed = list_cpu(processor->apic_id, account); !listed)
            print("CPU with APIC id ", processor->apic_id, " is left out: ", name_of(listed.error()));
        else
            mem::set_node_of_cpu(cpu_count() - 1, mem::nodes().node_of_processor(processor->apic_id));
    }
}

void use_madt(acpi::Madt const& madt, Account& account) {
    acpi::MadtReader controllers(madt);
    while (auto entry = controllers.next()) {
        if (auto const* io_apic = std::get_if<acpi::IoApic>(&*entry); io_apic != nullptr)
            add_io_apic(io_apic->address.value, io_apic->first_interrupt);
    }
    // Those that are not enabled yet may be plugged in later; they come after the others.
    list_processors(madt, true, account);
    auto const present = cpu_count();
    list_processors(madt, false, account);
    for (std::uint32_t index = 1; index < present; ++index) {
        if (auto started = start_cpu(cpu(index)); !started)
            print("CPU ", index, " with APIC id ", cpu(index).hardware_id,
                  " does not start: ", name_of(started.error()), "; `cpu online ", index, "' tries again");
    }
}

using TableFinder = acpi::TableFinder<decltype(&map_firmware)>;

// Most machines have no SRAT, and are one node; so are those whose SRAT is of no use.
void use_affinity(TableFinder& finder, BootInfo const& info) {
    auto const srat = finder.find(acpi::signature("SRAT"));
    if (!srat)
        return;
    auto map = acpi::read_affinity(*srat);
    if (!map || map->count() == 1) {
        if (!map)
            print("no usable ACPI SRAT (", name_of(map.error()), "): one NUMA node");
        return;
    }
    if (auto const slit = finder.find(acpi::signature("SLIT")); slit) {
        if (auto const read = acpi::read_distances(*slit, *map); !read)
            print("no usable ACPI SLIT (", name_of(read.error()), "): all NUMA nodes equally far apart");
    }
    node_map = *map;
    mem::use_nodes(node_map, info);
    mem::set_node_of_cpu(0, node_map.node_of_processor(this_cpu().hardware_id));
    print(node_map.count(), " NUMA nodes");
}

Result<> use_firmware(BootInfo const& info, Account& account) {
    auto finder = TRY(TableFinder::create(map_firmware, rsdp_address));
    use_affinity(finder, info);
    auto const bytes = TRY(finder.find(acpi::signature("APIC")));
    use_madt(TRY(acpi::parse_madt(bytes)), account);
    return {};
}

}  // namespace

void start_platform(BootInfo const& info, Account& account) {
    if (!guard_boot_cpu(account)) {
        print("no memory for guarded exception stacks");
        if (has_user_views())
            panic("no memory for user mode's page tables");
    }
    silence_legacy_controllers();
    enable_local_apic();
    this_cpu().hardware_id = boot_apic_id();
    clock::start();

    rsdp_address = find_root_pointer(info);
    if (auto const used = use_firmware(info, account); !used)
        print("no usable ACPI MADT (", name_of(used.error()), "): one CPU, standard IO-APIC");
    if (!has_io_apic())
        add_io_apic(standard_io_apic, 0);
}

PhysAddr acpi_root() {
    return rsdp_address;
}

void reset_machine() {
    struct {
        std::uint16_t limit = 0;
        std::uint64_t base = 0;
    } __attribute__((packed)) const empty;
    asm volatile("lidt %0\n\tint3" ::"m"(empty));
    halt_forever();
}

}  // namespace astrata::kernel::arch
