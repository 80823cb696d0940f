// Page trees under random sequences of changes; see page_tree_world.h.
#include <gtest/gtest.h>

#include "kernel/mem/page_tree_world.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel::mem {
namespace {

class PageTreeProperty : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(PageTreeProperty, agrees_with_maps_and_leaves_nothing_behind) {
    TestMachine machine(4U << 20);
    ASSERT_TRUE(machine.initialize_allocators());
    auto const before = count_frames().free;
    for (std::uint64_t round = 0; round < 10; ++round) {
        testing::Choices choices(GetParam() * 1000 + round, 300);
        PageTreeWorld(choices).run();
    }
    drain_heap_cache();
    EXPECT_LE(before - count_frames().free, 6U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, PageTreeProperty, ::testing::Range<std::uint64_t>(0, 8));

}  // namespace
}  // namespace astrata::kernel::mem
