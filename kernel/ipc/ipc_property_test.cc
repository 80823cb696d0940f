// Messages, signals, permits and wait sets in random interleavings; see ipc_world.h.
#include <gtest/gtest.h>

#include "kernel/ipc/ipc_world.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel {
namespace {

class IpcProperty : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(IpcProperty, nobody_waits_for_what_has_come_and_nothing_comes_twice) {
    TestMachine machine(16U << 20);
    ASSERT_TRUE(machine.initialize());
    for (std::uint64_t round = 0; round < 20; ++round) {
        testing::Choices choices(GetParam() * 1000 + round, 0);
        live_through(choices);
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, IpcProperty, ::testing::Range<std::uint64_t>(0, 10));

}  // namespace
}  // namespace astrata::kernel
