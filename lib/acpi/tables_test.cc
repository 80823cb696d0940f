#include "lib/acpi/tables.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "lib/acpi/table_builder.h"

namespace astrata::acpi {
namespace {

std::vector<std::byte> make_rsdp(std::uint8_t revision, std::uint32_t rsdt, std::uint64_t xsdt) {
    std::vector<std::byte> bytes(revision < 2 ? 20 : 36);
    std::ranges::copy(as_bytes("RSD PTR "), bytes.begin());
    EXPECT_TRUE(store(bytes, 15, revision));
    EXPECT_TRUE(store(bytes, 16, rsdt));
    auto const fix = [&](std::size_t length, std::size_t offset) {
        unsigned sum = 0;
        for (auto const byte : std::span(bytes).first(length))
            sum += std::to_integer<unsigned>(byte);
        EXPECT_TRUE(store(bytes, offset, static_cast<std::uint8_t>(0 - sum)));
    };
    fix(20, 8);
    if (revision >= 2) {
        EXPECT_TRUE(store(bytes, 20, std::uint32_t{36}));
        EXPECT_TRUE(store(bytes, 24, xsdt));
        fix(36, 32);
    }
    return bytes;
}

TEST(Rsdp, both_revisions_decode) {
    auto const old = parse_rsdp(make_rsdp(0, 0x1234, 0));
    ASSERT_TRUE(old);
    EXPECT_EQ(old->rsdt, PhysAddr{0x1234});
    auto const wide = parse_rsdp(make_rsdp(2, 0, 0x1'0000'5678));
    ASSERT_TRUE(wide);
    EXPECT_EQ(wide->xsdt, PhysAddr{0x1'0000'5678});
}

TEST(Rsdp, damage_is_an_error) {
    auto bytes = make_rsdp(2, 1, 2);
    bytes[10] ^= std::byte{1};
    EXPECT_EQ(parse_rsdp(bytes).error(), Error::corrupt);
    EXPECT_EQ(parse_rsdp(Bytes(bytes).first(19)).error(), Error::out_of_range);
    bytes[0] = {};
    EXPECT_EQ(parse_rsdp(bytes).error(), Error::not_found);
}

TEST(Rsdp, is_found_on_a_16_byte_boundary) {
    std::vector<std::byte> area(1024);
    auto const rsdp = make_rsdp(0, 7, 0);
    std::ranges::copy(rsdp, area.begin() + 8);
    EXPECT_FALSE(find_rsdp(area));
    std::ranges::copy(rsdp, area.begin() + 512);
    EXPECT_EQ(find_rsdp(area), 512u);
}

TEST(Madt, every_known_entry_decodes) {
    TableBuilder builder("APIC");
    builder.add<std::uint32_t>(0xfee00000).add<std::uint32_t>(1);
    builder.add<std::uint8_t>(0).add<std::uint8_t>(8).add<std::uint8_t>(3).add<std::uint8_t>(5).add<std::uint32_t>(1);
    builder.add<std::uint8_t>(1).add<std::uint8_t>(12).add<std::uint16_t>(2);
    builder.add<std::uint32_t>(0xfec00000).add<std::uint32_t>(24);
    builder.add<std::uint8_t>(2).add<std::uint8_t>(10).add<std::uint8_t>(0).add<std::uint8_t>(9);
    builder.add<std::uint32_t>(9).add<std::uint16_t>(0xf);
    builder.add<std::uint8_t>(4).add<std::uint8_t>(6).add<std::uint8_t>(0xff).add<std::uint16_t>(0).add<std::uint8_t>(
        1);
    builder.add<std::uint8_t>(9).add<std::uint8_t>(16).add<std::uint16_t>(0);
    builder.add<std::uint32_t>(300).add<std::uint32_t>(2).add<std::uint32_t>(17);
    builder.add<std::uint8_t>(0x7f).add<std::uint8_t>(4).add<std::uint16_t>(0);
    auto const table = builder.finish();
    auto const madt = parse_madt(table);
    ASSERT_TRUE(madt);
    EXPECT_EQ(madt->local_apic, PhysAddr{0xfee00000});
    EXPECT_TRUE(madt->has_legacy_pics);
    MadtReader reader(*madt);
    auto const cpu = std::get<LocalApic>(*reader.next());
    EXPECT_EQ(cpu.apic_id, 5u);
    EXPECT_EQ(cpu.processor_uid, 3u);
    EXPECT_TRUE(cpu.is_enabled);
    EXPECT_EQ(std::get<IoApic>(*reader.next()).first_interrupt, 24u);
    auto const override_ = std::get<InterruptOverride>(*reader.next());
    EXPECT_EQ(override_.polarity, Polarity::active_low);
    EXPECT_EQ(override_.trigger, Trigger::level);
    EXPECT_TRUE(std::get<LocalApicNmi>(*reader.next()).is_for_all_processors);
    auto const x2 = std::get<LocalApic>(*reader.next());
    EXPECT_EQ(x2.apic_id, 300u);
    EXPECT_FALSE(x2.is_enabled);
    EXPECT_TRUE(x2.is_online_capable);
    EXPECT_EQ(std::get<OtherMadtEntry>(*reader.next()).type, 0x7f);
    EXPECT_FALSE(reader.next());
}

TEST(Madt, an_impossible_entry_length_ends_the_walk) {
    TableBuilder builder("APIC");
    builder.add<std::uint64_t>(0).add<std::uint8_t>(1).add<std::uint8_t>(0).add<std::uint64_t>(0);
    auto const table = builder.finish();
    auto const madt = parse_madt(table);
    ASSERT_TRUE(madt);
    MadtReader reader(*madt);
    EXPECT_FALSE(reader.next());
}

TEST(Madt, a_short_entry_of_a_known_type_counts_as_unknown) {
    TableBuilder builder("APIC");
    builder.add<std::uint64_t>(0).add<std::uint8_t>(1).add<std::uint8_t>(4).add<std::uint16_t>(0);
    auto const table = builder.finish();
    auto const madt = parse_madt(table);
    MadtReader reader(*madt);
    EXPECT_EQ(std::get<OtherMadtEntry>(*reader.next()).type, 1);
}

TEST(Mcfg, windows_decode) {
    TableBuilder builder("MCFG");
    builder.add<std::uint64_t>(0).add<std::uint64_t>(0xb0000000).add<std::uint16_t>(0);
    builder.add<std::uint8_t>(0).add<std::uint8_t>(255).add<std::uint32_t>(0);
    auto const table = builder.finish();
    EXPECT_EQ(mcfg_window_count(table), 1u);
    EXPECT_EQ(mcfg_window(table, 0)->base, PhysAddr{0xb0000000});
    EXPECT_EQ(mcfg_window(table, 0)->last_bus, 255);
    EXPECT_EQ(mcfg_window(table, 1).error(), Error::not_found);
}

TEST(Fadt, old_port_fields_and_reset_register_decode) {
    TableBuilder builder("FACP");
    builder.pad_to(132)
        .put<std::uint32_t>(40, 0x7fe0000)
        .put<std::uint32_t>(64, 0x604)
        .put<std::uint32_t>(112, 1u << 10);
    builder.put<std::uint8_t>(116, 1)
        .put<std::uint8_t>(117, 8)
        .put<std::uint64_t>(120, 0xcf9)
        .put<std::uint8_t>(128, 0xf);
    builder.put<std::uint8_t>(108, 0x32);
    auto const fadt = parse_fadt(builder.finish());
    ASSERT_TRUE(fadt);
    EXPECT_EQ(fadt->dsdt, PhysAddr{0x7fe0000});
    EXPECT_EQ(fadt->pm1a_control.address, 0x604u);
    EXPECT_EQ(fadt->pm1a_control.space, RegisterSpace::port);
    EXPECT_FALSE(fadt->pm1b_control.exists());
    EXPECT_EQ(fadt->reset.address, 0xcf9u);
    EXPECT_EQ(fadt->reset_value, 0xf);
    EXPECT_EQ(fadt->century_index, 0x32);
}

TEST(Fadt, hardware_reduced_sleep_registers_decode) {
    TableBuilder builder("FACP");
    builder.pad_to(276).put<std::uint32_t>(112, 1u << 20 | 1u << 10).put<std::uint64_t>(140, 0x1'0000'0000);
    builder.put<std::uint8_t>(244, 0).put<std::uint64_t>(248, 0xfea00200);
    auto const fadt = parse_fadt(builder.finish());
    ASSERT_TRUE(fadt);
    EXPECT_TRUE(fadt->is_hardware_reduced);
    EXPECT_EQ(fadt->dsdt, PhysAddr{0x1'0000'0000});
    EXPECT_EQ(fadt->sleep_control.space, RegisterSpace::memory);
    EXPECT_EQ(fadt->sleep_control.address, 0xfea00200u);
    EXPECT_FALSE(fadt->pm1a_control.exists());
}

TEST(SoftOff, sleep_type_is_read_from_the_package) {
    using namespace std::string_view_literals;
    auto const plain = find_soft_off_sleep_type(as_bytes("junk_S5_junk\x08_S5_\x12\x06\x04\x0a\x05\x01\x00\x00"sv));
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->pm1a, 5);
    EXPECT_EQ(plain->pm1b, 1);
    auto const rooted = find_soft_off_sleep_type(as_bytes("\x08\\_S5_\x12\x06\x04\x00\x00\x00\x00"sv));
    ASSERT_TRUE(rooted);
    EXPECT_EQ(rooted->pm1a, 0);
    EXPECT_EQ(find_soft_off_sleep_type(as_bytes("\x08_S5_\x12\x06"sv)).error(), Error::not_found);
    EXPECT_EQ(find_soft_off_sleep_type(as_bytes("_S5_\x12\x06\x04\x0a\x05"sv)).error(), Error::not_found);
    EXPECT_EQ(find_soft_off_sleep_type({}).error(), Error::not_found);
    EXPECT_EQ(pm1_sleep_value(5), 0x3400);
    EXPECT_EQ(sleep_control_value(5), 0x34);
}

TEST(Hpet, block_id_decodes) {
    TableBuilder builder("HPET");
    builder.add<std::uint32_t>(0x8086a201).add<std::uint32_t>(0).add<std::uint64_t>(0xfed00000);
    builder.add<std::uint8_t>(0).add<std::uint16_t>(100).add<std::uint8_t>(0);
    auto const hpet = parse_hpet(builder.finish());
    ASSERT_TRUE(hpet);
    EXPECT_EQ(hpet->base, PhysAddr{0xfed00000});
    EXPECT_EQ(hpet->comparators, 3);
    EXPECT_TRUE(hpet->has_wide_counter);
    EXPECT_EQ(hpet->minimum_tick, 100);
}

TEST(Srat, disabled_entries_are_passed_over) {
    TableBuilder builder("SRAT");
    builder.add<std::uint32_t>(1).add<std::uint64_t>(0);
    builder.add<std::uint8_t>(0).add<std::uint8_t>(16).add<std::uint8_t>(1).add<std::uint8_t>(2);
    builder.add<std::uint32_t>(1).add<std::uint32_t>(0x01000000).add<std::uint32_t>(0);
    builder.add<std::uint8_t>(1).add<std::uint8_t>(40).pad_to(48 + 16 + 40);  // not enabled
    builder.add<std::uint8_t>(1).add<std::uint8_t>(40).add<std::uint32_t>(1).add<std::uint16_t>(0);
    builder.add<std::uint64_t>(0x100000000).add<std::uint64_t>(0x40000000).add<std::uint32_t>(0);
    builder.add<std::uint32_t>(3).add<std::uint64_t>(0);
    auto const table = builder.finish();
    auto reader = SratReader::create(table);
    ASSERT_TRUE(reader);
    auto const cpu = std::get<CpuAffinity>(*reader->next());
    EXPECT_EQ(cpu.apic_id, 2u);
    EXPECT_EQ(cpu.node, 0x01000001u);
    auto const memory = std::get<MemoryAffinity>(*reader->next());
    EXPECT_EQ(memory.length, 0x40000000u);
    EXPECT_TRUE(memory.is_hot_pluggable);
    EXPECT_FALSE(reader->next());
}

TEST(TableFinder, walks_both_root_tables_and_passes_over_broken_ones) {
    for (bool const is_wide : {false, true}) {
        std::map<std::uint64_t, std::vector<std::byte>> memory;
        auto const map = [&](PhysAddr address, std::size_t size) -> Bytes {
            auto const found = memory.find(address.value);
            if (found == memory.end() || found->second.size() < size)
                return {};
            return found->second;
        };
        TableBuilder root(is_wide ? "XSDT" : "RSDT");
        for (std::uint64_t const address : {0x9000u, 0x5000u, 0x3000u, 0x4000u}) {
            if (is_wide)
                root.add<std::uint64_t>(address);
            else
                root.add<std::uint32_t>(static_cast<std::uint32_t>(address));
        }
        memory[0x1000] = is_wide ? make_rsdp(2, 0, 0x2000) : make_rsdp(0, 0x2000, 0);
        memory[0x2000] = root.finish();
        memory[0x3000] = TableBuilder("SSDT").add<std::uint8_t>(1).finish();
        memory[0x4000] = TableBuilder("SSDT").add<std::uint8_t>(2).finish();
        memory[0x5000] = TableBuilder("SSDT").add<std::uint8_t>(3).finish();
        memory[0x5000][20] ^= std::byte{1};  // broken checksum
        auto finder = TableFinder<decltype(map)>::create(map, PhysAddr{0x1000});
        ASSERT_TRUE(finder);
        EXPECT_EQ(finder->count(), 4u);
        EXPECT_EQ(finder->find(signature("SSDT"), 0).value()[36], std::byte{1});
        EXPECT_EQ(finder->find(signature("SSDT"), 1).value()[36], std::byte{2});
        EXPECT_EQ(finder->find(signature("SSDT"), 2).error(), Error::not_found);
        EXPECT_EQ(finder->find(signature("HPET")).error(), Error::not_found);
    }
}

}  // namespace
}  // namespace astrata::acpi
