#include "kernel/mem/placement.h"

#include <set>

#include <gtest/gtest.h>

namespace astrata::kernel {
namespace {

constexpr std::uint64_t image_bytes = 5U << 20;

void expect_within_regions(Placement const& placement) {
    EXPECT_GE(placement.image, layout::image_region);
    EXPECT_LE(placement.image.value + image_bytes, layout::no_address.value);
    EXPECT_GT(placement.image.value + image_bytes, placement.image.value);
    EXPECT_EQ(placement.image.value % huge_page_size, 0U);
    EXPECT_GE(placement.direct_map, layout::direct_map_region);
    EXPECT_LE(placement.direct_map + layout::direct_map_limit, layout::hosted_region);
    EXPECT_EQ(placement.direct_map.value % (1U << 30), 0U);
    EXPECT_GE(placement.hosted, layout::hosted_region);
    EXPECT_LE(placement.hosted + layout::hosted_length, layout::dynamic_region);
    EXPECT_EQ(placement.hosted.value % layout::root_slot_bytes, 0U);
    EXPECT_GE(placement.dynamic, layout::dynamic_region);
    // Another root slot than the image's.
    EXPECT_LE((placement.dynamic + layout::dynamic_length).value, 0 - layout::root_slot_bytes);
    EXPECT_EQ(placement.dynamic.value % layout::root_slot_bytes, 0U);
    EXPECT_LE(placement.stacks_offset + stacks_room, layout::dynamic_length / 2);
    EXPECT_LE(placement.devices_offset + devices_room, layout::dynamic_length / 2);
    EXPECT_EQ((placement.stacks_offset | placement.devices_offset) % page_size, 0U);
}

TEST(Placement, lies_within_its_regions_and_differs) {
    std::set<std::uint64_t> images, maps, hosted, dynamic, stacks;
    constexpr std::uint32_t rounds = 2000;
    for (std::uint32_t round = 0; round < rounds; ++round) {
        auto const placement = choose_placement({round, 7, 7, 7, 7, 7, 7, 7}, image_bytes);
        expect_within_regions(placement);
        images.insert(placement.image.value);
        maps.insert(placement.direct_map.value);
        hosted.insert(placement.hosted.value);
        dynamic.insert(placement.dynamic.value);
        stacks.insert(placement.stacks_offset);
    }
    // 1020 places for the image, 48 and 62 slots: nearly all of them occur. Of the others hardly any occurs twice.
    EXPECT_GT(images.size(), 800U);
    EXPECT_GT(maps.size(), rounds * 9 / 10);
    EXPECT_GE(hosted.size(), 46U);
    EXPECT_GE(dynamic.size(), 60U);
    EXPECT_GT(stacks.size(), rounds * 9 / 10);
}

TEST(Placement, is_fixed_without_a_key) {
    expect_within_regions(Placement{});
    EXPECT_EQ(Placement{}.image, layout::image_region);
}

}  // namespace
}  // namespace astrata::kernel
