#include "strates/linux/memory/region_map.h"

#include <algorithm>
#include <array>
#include <random>
#include <span>

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

// Against one record for each page.
TEST(RegionMap, agrees_with_a_model_under_random_use) {
    constexpr std::uint64_t page = 0x1000, pages = 64, low = 16 * page, high = low + pages * page;
    std::mt19937_64 random(7);
    RegionMap map;
    std::array<int, pages> model{};  // 0: not in a region, else the access plus one
    for (int step = 0; step < 20000; ++step) {
        auto const first = random() % pages;
        auto const end = first + 1 + random() % std::min<std::uint64_t>(pages - first, 9);
        auto const access = static_cast<std::uint8_t>(random() % 3);
        ASSERT_TRUE(map.reserve(3).has_value());
        switch (random() % 4) {
        case 0:
        case 1:
            map.insert(anonymous(low + first * page, low + end * page, access));
            std::ranges::fill(std::span(model).subspan(first, end - first), access + 1);
            break;
        case 2:
            map.remove(low + first * page, low + end * page);
            std::ranges::fill(std::span(model).subspan(first, end - first), 0);
            break;
        default:
            map.protect(low + first * page, low + end * page, access);
            for (auto index = first; index < end; ++index)
                model[index] = model[index] == 0 ? 0 : access + 1;
        }
        std::uint64_t total = 0;
        for (std::uint64_t index = 0; index < pages; ++index) {
            auto const* region = map.find(low + index * page);
            ASSERT_EQ(region == nullptr ? 0 : region->access + 1, model[index]);
            total += region != nullptr ? page : 0;
        }
        ASSERT_EQ(map.total(), total);
        for (std::size_t index = 1; index < map.regions().size(); ++index)
            ASSERT_TRUE(map.regions()[index - 1].end < map.regions()[index].start ||
                        map.regions()[index - 1].access != map.regions()[index].access);
        auto const wanted = 1 + random() % 6;
        std::uint64_t expected = 0;
        for (std::uint64_t start = pages - wanted + 1; start-- > 0 && expected == 0;) {
            if (std::ranges::all_of(std::span(model).subspan(start, wanted), [](int each) { return each == 0; }))
                expected = low + start * page;
        }
        ASSERT_EQ(map.find_gap(wanted * page, low, high, page), expected);
    }
}

}  // namespace
}  // namespace astrata::linux_abi
