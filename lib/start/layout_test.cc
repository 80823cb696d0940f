#include "lib/start/layout.h"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

namespace astrata::start {
namespace {

template <typename Place>
void expect_spread(Place place, std::uint64_t first, std::uint64_t limit, std::uint64_t step) {
    std::set<std::uint64_t> seen;
    std::uint64_t random = 1;
    for (int round = 0; round < 4000; ++round) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        auto const offset = place(random);
        ASSERT_GE(offset, first);
        ASSERT_LT(offset, limit);
        ASSERT_EQ(offset % step, 0U);
        seen.insert(offset);
    }
    EXPECT_GT(seen.size(), 3950U);  // of 2^18 places or more, few come twice
}

TEST(Layout, parts_of_a_home_space_lie_anywhere_within_their_regions) {
    expect_spread(image_offset, image_region_offset, start_block_offset - image_limit, 4096);
    expect_spread(stack_area_offset, stack_region_offset, map_top_region_offset - stack_slots * stack_slot_bytes, stack_slot_bytes);
    expect_spread(map_top_offset, map_top_region_offset, vdso_region_offset, 4096);
    expect_spread(vdso_offset, vdso_region_offset, home_bytes - vdso_limit, 4096);
}

TEST(Layout, logs_tell_no_places_of_the_kernel_half) {
    constexpr std::uint64_t hosted = 0xffff'c180'0000'0000;
    EXPECT_EQ(without_kernel_places(0x7f80'1234'5678, 0x7f80'0020'0000), 0x7f80'1234'5678U);
    EXPECT_EQ(without_kernel_places(hosted + 0x1234, hosted + 0x20'0000), 0x1234U);
    EXPECT_EQ(without_kernel_places(hosted + 0x1234, 0x7f80'0020'0000), 0x234U);
    EXPECT_EQ(without_kernel_places(0xffff'ffff'8012'3456, hosted), 0x456U);
    EXPECT_EQ(without_kernel_places(~std::uint64_t{0}, hosted), ~std::uint64_t{0});
}

}  // namespace
}  // namespace astrata::start
