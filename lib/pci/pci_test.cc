#include <gtest/gtest.h>

#include <vector>

#include "lib/pci/capabilities.h"
#include "lib/pci/class_names.h"
#include "lib/pci/simulated_machine.h"
#include "lib/pci/topology.h"

namespace astrata::pci {
namespace {

constexpr Apertures apertures{
    .memory32 = {0xc000'0000, 0xfec0'0000}, .memory64 = {0x2'0000'0000, 0x20'0000'0000}, .ports = {0xc000, 0x10000}};

std::vector<Device> enumerate_all(SimulatedMachine& machine, Enumeration& result, std::vector<Device>& storage) {
    storage.resize(64);
    result = {.devices = storage};
    enumerate(machine, 0, 0, 255, apertures, result);
    return {result.found().begin(), result.found().end()};
}

TEST(Bars, sizes_and_kinds_are_found_and_values_restored) {
    SimulatedMachine machine;
    auto& function = machine.add(1, 0x1af4, 0x1042, 0x010000);
    function.add_port_bar(0, 0x80);
    function.add_memory_bar(1, 0x1000);
    function.add_memory_bar(4, 0x4000, true);
    function.put(0x14, 4, 0xfebd'1000);
    function.put(0x04, 2, 7);
    auto const bars = size_bars(machine, read_function(machine, {.device = 1}).value());
    ASSERT_EQ(bars.count, 3);
    EXPECT_TRUE(bars.bars[0].is_port);
    EXPECT_EQ(bars.bars[0].size, 0x80u);
    EXPECT_EQ(bars.bars[1].base, 0xfebd'1000u);
    EXPECT_EQ(bars.bars[1].size, 0x1000u);
    EXPECT_TRUE(bars.bars[2].is_64_bit);
    EXPECT_EQ(bars.bars[2].size, 0x4000u);
    EXPECT_EQ(function.get(0x14, 4), 0xfebd'1000u);
    EXPECT_EQ(function.get(0x04, 2), 7u);
    EXPECT_EQ(bars.find(4), &bars.bars[2]);
    EXPECT_EQ(bars.find(2), nullptr);
}

TEST(Configuration, absent_and_odd_functions_are_errors) {
    SimulatedMachine machine;
    EXPECT_EQ(read_function(machine, {.device = 5}).error(), Error::no_device);
    machine.add(1, 0x1234, 1, 0x060700).bytes[0x0e] = 2;  // CardBus
    EXPECT_EQ(read_function(machine, {.device = 1}).error(), Error::not_supported);
}

TEST(Capabilities, are_walked_and_loops_end) {
    SimulatedMachine machine;
    auto& function = machine.add(1, 0x1af4, 0x1042, 0x010000);
    function.add_capability(capability::msix, 0x98, 0x40);
    function.add_capability(capability::vendor_specific, 0x40, 0x98);  // and back again
    function.put(0x9a, 2, 2);
    function.put(0x9c, 4, 1 | 0x800);
    function.put(0xa0, 4, 1 | 0xc00);
    CapabilityWalker walker(machine, {.device = 1});
    int count = 0;
    while (walker.next())
        ++count;
    EXPECT_EQ(count, 48);
    auto const msix = find_msix(machine, {.device = 1});
    ASSERT_TRUE(msix);
    EXPECT_EQ(msix->vectors, 3);
    EXPECT_EQ(msix->table_bar, 1);
    EXPECT_EQ(msix->table_offset, 0x800u);
    set_msix_control(machine, {.device = 1}, *msix, true, false);
    EXPECT_EQ(function.get(0x9a, 2), 0x8002u);
    function.put(0x9c, 4, 7);  // a table in a register that cannot exist
    EXPECT_FALSE(find_msix(machine, {.device = 1}));
}

TEST(Capabilities, drivers_may_not_write_where_interrupts_and_addresses_are_set) {
    SimulatedMachine machine;
    auto& function = machine.add(1, 0x1af4, 0x1042, 0x010000);
    function.add_capability(capability::msix, 0x98, 0x40);
    function.add_capability(capability::vendor_specific, 0x40, 0);
    Address const address{.device = 1};
    EXPECT_TRUE(is_protected_from_drivers(machine, address, offset::command, 2));
    EXPECT_TRUE(is_protected_from_drivers(machine, address, offset::bar0, 4));
    EXPECT_TRUE(is_protected_from_drivers(machine, address, 0x98, 4));
    EXPECT_TRUE(is_protected_from_drivers(machine, address, 0xa3, 1));
    EXPECT_FALSE(is_protected_from_drivers(machine, address, 0xa4, 4));
    EXPECT_FALSE(is_protected_from_drivers(machine, address, 0x44, 4));
}

TEST(Topology, unassigned_registers_get_aligned_distinct_places) {
    SimulatedMachine machine;
    machine.add(0, 0x8086, 0x29c0, 0x060000);
    for (std::uint32_t slot = 1; slot <= 4; ++slot) {
        auto& function = machine.add(slot, 0x1af4, 0x1042, 0x010000);
        function.add_memory_bar(1, 0x1000);
        function.add_memory_bar(4, 0x4000, true);
        function.add_port_bar(0, 0x80);
        function.put(0x3d, 1, 1);
    }
    std::vector<Device> storage;
    Enumeration result;
    auto const devices = enumerate_all(machine, result, storage);
    ASSERT_EQ(devices.size(), 5u);
    EXPECT_EQ(result.unplaced, 0u);
    std::vector<Bar> placed;
    for (auto const& device : devices) {
        for (auto const& bar : device.bars) {
            EXPECT_NE(bar.base, 0u);
            EXPECT_EQ(bar.base % bar.size, 0u);
            for (auto const& other : placed)
                EXPECT_TRUE(other.is_port != bar.is_port || other.base + other.size <= bar.base ||
                            bar.base + bar.size <= other.base);
            placed.push_back(bar);
        }
    }
    EXPECT_EQ(placed.size(), 12u);
    EXPECT_EQ(interrupt_line_of(devices[1], devices[0].function), 20u + 1);
    EXPECT_EQ(interrupt_line_of(devices[4], devices[0].function), 20u);
}

TEST(Topology, firmware_assignments_stand_and_new_ones_go_above) {
    SimulatedMachine machine;
    auto& first = machine.add(1, 1, 1, 0x010000);
    first.add_memory_bar(0, 0x1000);
    first.put(0x10, 4, 0xfd00'0000);
    machine.add(2, 1, 1, 0x010000).add_memory_bar(0, 0x2000);
    std::vector<Device> storage;
    Enumeration result;
    auto const devices = enumerate_all(machine, result, storage);
    EXPECT_EQ(devices[0].bars.bars[0].base, 0xfd00'0000u);
    EXPECT_EQ(devices[1].bars.bars[0].base, 0xfd00'2000u);
}

TEST(Topology, large_registers_go_above_four_gibibytes) {
    SimulatedMachine machine;
    machine.add(1, 1, 1, 0x030000).add_memory_bar(0, 0, true, 0xffff'fffc'0000'0000);  // 16 GiB
    std::vector<Device> storage;
    Enumeration result;
    auto const devices = enumerate_all(machine, result, storage);
    ASSERT_EQ(devices[0].bars.count, 1);
    EXPECT_EQ(devices[0].bars.bars[0].size, 0x4'0000'0000u);
    EXPECT_EQ(devices[0].bars.bars[0].base, 0x4'0000'0000u);
}

TEST(Topology, what_does_not_fit_is_counted_and_left_alone) {
    SimulatedMachine machine;
    machine.add(1, 1, 1, 0x030000).add_memory_bar(0, 0x8000'0000);
    std::vector<Device> storage;
    Enumeration result;
    auto const devices = enumerate_all(machine, result, storage);
    EXPECT_EQ(result.unplaced, 1u);
    EXPECT_EQ(devices[0].bars.bars[0].base, 0u);
}

TEST(Topology, bridges_get_numbers_and_windows) {
    SimulatedMachine machine;
    auto& port = machine.add(3, 0x1b36, 0x000c, 0x060400);
    auto& inner = machine.add(0, 0x1b36, 0x000e, 0x060400, &port);
    auto& leaf = machine.add(2, 0x1af4, 0x1041, 0x020000, &inner);
    leaf.add_memory_bar(1, 0x1000);
    leaf.put(0x3d, 1, 1);
    auto& other = machine.add(4, 0x1b36, 0x000c, 0x060400);
    machine.add(0, 0x1af4, 0x1042, 0x010000, &other).add_memory_bar(1, 0x1000);
    std::vector<Device> storage;
    Enumeration result;
    auto const devices = enumerate_all(machine, result, storage);
    ASSERT_EQ(devices.size(), 5u);
    EXPECT_EQ(port.bytes[0x19], 1);
    EXPECT_EQ(port.bytes[0x1a], 2);
    EXPECT_EQ(inner.bytes[0x19], 2);
    EXPECT_EQ(other.bytes[0x19], 3);
    EXPECT_EQ(other.bytes[0x1a], 3);
    auto const& found = devices[2];
    EXPECT_EQ(found.function.address.bus, 2);
    EXPECT_EQ(found.root.device, 3);
    EXPECT_EQ(found.root_pin, 3);  // INTA of device 2, behind device 0 of the first bridge: rotated by 2
    auto const base = found.bars.bars[0].base;
    for (auto const* const bridge : {&port, &inner}) {
        auto const window = std::uint64_t{bridge->get(0x20, 2)} << 16;
        auto const limit = (std::uint64_t{bridge->get(0x22, 2)} << 16) + 0xfffff;
        EXPECT_LE(window, base);
        EXPECT_GE(limit, base + 0xfff);
        EXPECT_GT(bridge->get(0x24, 2), bridge->get(0x26, 2));  // closed
        EXPECT_GT(bridge->bytes[0x1c], bridge->bytes[0x1d]);
    }
    EXPECT_GT(std::uint64_t{other.get(0x20, 2)} << 16, (std::uint64_t{port.get(0x22, 2)} << 16) + 0xfffff - 1);
}

TEST(Topology, more_devices_than_places_are_counted) {
    SimulatedMachine machine;
    for (std::uint32_t slot = 0; slot < 4; ++slot)
        machine.add(slot, 1, 1, 0);
    std::array<Device, 3> storage{};
    Enumeration result{.devices = storage};
    enumerate(machine, 0, 0, 255, apertures, result);
    EXPECT_EQ(result.count, 3u);
    EXPECT_EQ(result.dropped, 1u);
}

TEST(Topology, apertures_keep_clear_of_ecam_and_memory) {
    auto const q35 = default_apertures(0xb000'0000, 0xc000'0000, 1ull << 30);
    EXPECT_EQ(q35.memory32.start, 0xc000'0000u);
    EXPECT_EQ(q35.memory32.end, 0xfec0'0000u);
    auto const microvm = default_apertures(0xe000'0000, 0xf000'0000, 1ull << 30);
    EXPECT_EQ(microvm.memory32.end, 0xe000'0000u);
    auto const old = default_apertures(0, 0, 4ull << 30);
    EXPECT_EQ(old.memory32.start, 0xe000'0000u);
    EXPECT_GE(old.memory64.start, 8ull << 30);
}

TEST(ClassNames, precise_before_general) {
    EXPECT_EQ(class_name(0x010802), "NVMe controller");
    EXPECT_EQ(class_name(0x010899), "Non-volatile memory controller");
    EXPECT_EQ(class_name(0x01ff00), "Mass storage device");
    EXPECT_EQ(class_name(0x770000), "Device of unknown class");
}

}  // namespace
}  // namespace astrata::pci
