// Handle tables under random sequences of operations; see handle_world.h.
#include <gtest/gtest.h>

#include "kernel/mem/test_machine.h"
#include "kernel/object/handle_world.h"

namespace astrata::kernel {
namespace {

class HandleTableProperty : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(HandleTableProperty, agrees_with_the_model_and_leaves_nothing_behind) {
    TestMachine machine(4U << 20);
    ASSERT_TRUE(machine.initialize_allocators());
    auto const before = mem::count_frames().free;
    for (std::uint64_t round = 0; round < 10; ++round) {
        testing::Choices choices(GetParam() * 1000 + round, 400);
        HandleWorld(choices).run();
    }
    mem::drain_heap_cache();
    EXPECT_LE(before - mem::count_frames().free, 8U);
}
INSTANTIATE_TEST_SUITE_P(Seeds, HandleTableProperty, ::testing::Range<std::uint64_t>(0, 10));

}  // namespace
}  // namespace astrata::kernel
