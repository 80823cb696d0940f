#include "strates/linux/process/load_average.h"

#include <gtest/gtest.h>

#include "strates/linux/process/wait_status.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint64_t second = 1'000'000'000;

TEST(LoadAverage, approaches_what_runs_and_decays_again) {
    LoadAverage average;
    auto busy = average.update({60 * second}, 2);
    EXPECT_GT(busy[0], 2 * 65536 * 6 / 10);  // 1 - 1/e of two after a minute
    EXPECT_LT(busy[0], 2 * 65536 * 7 / 10);
    EXPECT_GT(busy[0], busy[1]);
    EXPECT_GT(busy[1], busy[2]);
    auto idle = average.update({3600 * second}, 0);
    EXPECT_LT(idle[0], 65536u / 100);
}

TEST(LoadAverage, does_not_change_within_its_step) {
    LoadAverage average;
    auto first = average.update({10 * second}, 1);
    EXPECT_EQ(average.update({11 * second}, 5), first);
}

TEST(WaitStatus, is_encoded_as_wait4_says) {
    EXPECT_EQ(WaitStatus::exited(7).value, 0x700u);
    EXPECT_EQ(WaitStatus::exited(256 + 3).value, 0x300u);
    EXPECT_EQ(WaitStatus::killed(Signal::sigsegv, true).value, 0x8bu);
    EXPECT_EQ(WaitStatus::stopped(Signal::sigtstp).value, 0x147fu);
    EXPECT_TRUE(WaitStatus::exited(1).is_exit());
    EXPECT_EQ(WaitStatus::killed(Signal::sigkill, false).signal(), 9u);
}

}  // namespace
}  // namespace astrata::linux_abi
