#include "lib/acpi/affinity.h"

#include <gtest/gtest.h>

#include "lib/acpi/table_builder.h"

namespace astrata::acpi {
namespace {

TableBuilder& add_processor(TableBuilder& srat, std::uint8_t domain, std::uint8_t apic_id, std::uint32_t flags = 1) {
    srat.add<std::uint8_t>(0).add<std::uint8_t>(16).add(domain).add(apic_id).add(flags);
    return srat.add<std::uint64_t>(0);
}
TableBuilder& add_wide_processor(TableBuilder& srat, std::uint32_t domain, std::uint32_t apic_id) {
    srat.add<std::uint8_t>(2).add<std::uint8_t>(24).add<std::uint16_t>(0).add(domain).add(apic_id);
    return srat.add<std::uint32_t>(1).add<std::uint64_t>(0);
}
TableBuilder& add_memory(TableBuilder& srat, std::uint32_t domain, std::uint64_t base, std::uint64_t length,
                         std::uint32_t flags = 1) {
    srat.add<std::uint8_t>(1).add<std::uint8_t>(40).add(domain).add<std::uint16_t>(0).add(base).add(length);
    return srat.add<std::uint32_t>(0).add(flags).add<std::uint64_t>(0);
}

// Two nodes, domains 7 and 9; what is not enabled counts for nothing.
std::vector<std::byte> two_nodes() {
    TableBuilder srat("SRAT");
    srat.pad_to(48);
    add_processor(srat, 7, 0);
    add_wide_processor(srat, 9, 300);
    add_processor(srat, 8, 5, 0);
    add_memory(srat, 7, 0, 0xa0000);
    add_memory(srat, 7, 0x10'0000, 0x7f0'0000);
    add_memory(srat, 9, 0x800'0000, 0x800'0000);
    add_memory(srat, 8, 0, ~std::uint64_t{0}, 0);
    return srat.finish();
}

std::vector<std::byte> slit(std::uint64_t count, std::uint8_t self, std::uint8_t other) {
    TableBuilder table("SLIT");
    table.add(count);
    for (std::uint64_t index = 0; index < count * count; ++index)
        table.add<std::uint8_t>(index % (count + 1) == 0 ? self : other);
    return table.finish();
}

TEST(Affinity, reads_memory_processors_and_distances) {
    auto map = read_affinity(two_nodes());
    ASSERT_TRUE(map);
    ASSERT_EQ(map->count(), 2U);
    EXPECT_EQ(map->node_of_processor(0), 0U);
    EXPECT_EQ(map->node_of_processor(300), 1U);
    ASSERT_EQ(map->memory().size(), 3U);
    EXPECT_EQ(map->memory()[2].start, PhysAddr{0x800'0000});
    EXPECT_EQ(map->memory()[2].node, 1U);
    EXPECT_EQ(map->distance(0, 1), numa::default_distance);
    EXPECT_TRUE(read_distances(slit(10, 10, 35), *map));
    EXPECT_EQ(map->distance(0, 1), 35U);
    EXPECT_EQ(map->distance(1, 1), 10U);
}

TEST(Affinity, a_bad_table_is_an_error_and_leaves_no_half_map) {
    auto broken = two_nodes();
    broken[60] ^= std::byte{1};
    EXPECT_EQ(read_affinity(broken).error(), Error::corrupt);
    TableBuilder overlapping("SRAT");
    overlapping.pad_to(48);
    add_memory(overlapping, 0, 0, 0x1000'0000);
    add_memory(overlapping, 1, 0x800'0000, 0x1000'0000);
    EXPECT_EQ(read_affinity(overlapping.finish()).error(), Error::corrupt);
    TableBuilder empty("SRAT");
    EXPECT_EQ(read_affinity(empty.finish()).error(), Error::not_found);
    // Memory of a wrapping length.
    TableBuilder wrapping("SRAT");
    wrapping.pad_to(48);
    add_memory(wrapping, 0, 0x1000, ~std::uint64_t{0});
    EXPECT_EQ(read_affinity(wrapping.finish()).error(), Error::corrupt);
}

TEST(Affinity, bad_distances_leave_the_map_as_it_is) {
    auto map = read_affinity(two_nodes());
    ASSERT_TRUE(map);
    EXPECT_EQ(read_distances(slit(10, 10, 10), *map).error(), Error::corrupt);
    EXPECT_EQ(read_distances(slit(10, 0, 20), *map).error(), Error::corrupt);
    EXPECT_EQ(read_distances(slit(9, 10, 35), *map).error(), Error::out_of_range);
    TableBuilder cut("SLIT");
    cut.add<std::uint64_t>(std::uint64_t{1} << 32);
    EXPECT_EQ(read_distances(cut.finish(), *map).error(), Error::corrupt);
    EXPECT_EQ(map->distance(0, 1), numa::default_distance);
}

}  // namespace
}  // namespace astrata::acpi
