#include "strates/linux/memory/region_map.h"

#include <gtest/gtest.h>

namespace astrata::linux_abi {
namespace {

class Backing : public RegionBacking {
public:
    [[nodiscard]] std::uint64_t object_id() const override { return 7; }
};

Region anonymous(std::uint64_t start, std::uint64_t end, std::uint8_t access = 3) {
    return {.start = start, .end = end, .access = access};
}

void put(RegionMap& map, Region region) {
    ASSERT_TRUE(map.reserve(2).has_value());
    map.insert(std::move(region));
}

TEST(RegionMap, joins_equal_neighbours_and_keeps_others_apart) {
    RegionMap map;
    put(map, anonymous(0x1000, 0x2000));
    put(map, anonymous(0x3000, 0x4000));
    put(map, anonymous(0x2000, 0x3000));
    ASSERT_EQ(map.regions().size(), 1u);
    EXPECT_EQ(map.regions()[0].end, 0x4000u);
    put(map, anonymous(0x4000, 0x5000, 1));
    EXPECT_EQ(map.regions().size(), 2u);
    EXPECT_EQ(map.total(), 0x4000u);
}

TEST(RegionMap, splits_when_the_middle_is_removed) {
    RegionMap map;
    auto backing = Ref<RegionBacking>::adopt(*new Backing);
    put(map, {.start = 0x10000, .end = 0x20000, .offset = 0x5000, .backing = backing, .access = 1});
    ASSERT_TRUE(map.reserve(2).has_value());
    map.remove(0x12000, 0x13000);
    ASSERT_EQ(map.regions().size(), 2u);
    EXPECT_EQ(map.regions()[0].end, 0x12000u);
    EXPECT_EQ(map.regions()[1].start, 0x13000u);
    EXPECT_EQ(map.regions()[1].offset, 0x8000u);
    EXPECT_EQ(map.find(0x12000), nullptr);
    EXPECT_EQ(map.find(0x13000), &map.regions()[1]);
    EXPECT_EQ(map.total(), 0xf000u);
    EXPECT_EQ(backing->reference_count(), 3u);
}

TEST(RegionMap, removal_across_several_regions_cuts_the_outer_ones) {
    RegionMap map;
    put(map, anonymous(0x1000, 0x3000, 1));
    put(map, anonymous(0x3000, 0x5000, 3));
    put(map, anonymous(0x6000, 0x9000, 1));
    ASSERT_TRUE(map.reserve(2).has_value());
    map.remove(0x2000, 0x7000);
    ASSERT_EQ(map.regions().size(), 2u);
    EXPECT_EQ(map.regions()[0].end, 0x2000u);
    EXPECT_EQ(map.regions()[1].start, 0x7000u);
    map.remove(0, 0x100000);
    EXPECT_TRUE(map.regions().empty());
    EXPECT_EQ(map.total(), 0u);
}

TEST(RegionMap, protect_splits_and_joins_again) {
    RegionMap map;
    put(map, anonymous(0x1000, 0x9000, 3));
    ASSERT_TRUE(map.reserve(2).has_value());
    map.protect(0x3000, 0x5000, 1);
    ASSERT_EQ(map.regions().size(), 3u);
    EXPECT_EQ(map.find(0x4000)->access, 1);
    ASSERT_TRUE(map.reserve(2).has_value());
    map.protect(0x3000, 0x5000, 3);
    EXPECT_EQ(map.regions().size(), 1u);
}

TEST(RegionMap, finds_the_highest_gap_that_fits) {
    RegionMap map;
    EXPECT_EQ(map.find_gap(0x1000, 0x10000, 0x100000, 0x1000), 0xff000u);
    put(map, anonymous(0xf0000, 0x100000));
    EXPECT_EQ(map.find_gap(0x1000, 0x10000, 0x100000, 0x1000), 0xef000u);
    put(map, anonymous(0x80000, 0xee000));
    EXPECT_EQ(map.find_gap(0x2000, 0x10000, 0x100000, 0x1000), 0xee000u);
    EXPECT_EQ(map.find_gap(0x3000, 0x10000, 0x100000, 0x1000), 0x7d000u);
    EXPECT_EQ(map.find_gap(0x10000, 0x10000, 0x100000, 0x10000), 0x70000u);
    EXPECT_EQ(map.find_gap(0x80000, 0x10000, 0x100000, 0x1000), 0u);
    put(map, anonymous(0x10000, 0x80000));
    EXPECT_EQ(map.find_gap(0x2000, 0x10000, 0x100000, 0x1000), 0xee000u);
    EXPECT_EQ(map.find_gap(0x3000, 0x10000, 0x100000, 0x1000), 0u);
}

TEST(RegionMap, knows_free_and_covered_ranges) {
    RegionMap map;
    put(map, anonymous(0x1000, 0x3000, 1));
    put(map, anonymous(0x3000, 0x5000, 3));
    EXPECT_TRUE(map.is_covered(0x1000, 0x5000));
    EXPECT_TRUE(map.is_covered(0x2000, 0x4000));
    EXPECT_FALSE(map.is_covered(0x2000, 0x6000));
    EXPECT_FALSE(map.is_covered(0, 0x2000));
    EXPECT_TRUE(map.is_free(0x5000, 0x9000));
    EXPECT_TRUE(map.is_free(0, 0x1000));
    EXPECT_FALSE(map.is_free(0x4000, 0x6000));
}

TEST(RegionMap, refuses_more_than_the_limit) {
    RegionMap map;
    EXPECT_EQ(map.reserve(RegionMap::region_limit + 1).error(), Errno::enomem);
}

}  // namespace
}  // namespace astrata::linux_abi
