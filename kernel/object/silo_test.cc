#include "kernel/object/silo.h"

#include <gtest/gtest.h>

#include "kernel/object/fakes_test.h"

namespace astrata::kernel {
namespace {

class SiloTest : public ObjectTest, public testing::Test {
protected:
    Ref<Silo> root = make_root();
};

TEST_F(SiloTest, tells_when_the_last_process_here_and_below_has_ended) {
    auto silo = Silo::create(root.get(), 0, 0, 0).value();
    auto below = Silo::create(silo.get(), 0, 0, 0).value();
    auto one = Process::create(silo, "one", abi::IsolationMode::user).value();
    auto two = Process::create(below, "two", abi::IsolationMode::user).value();
    one->kill();
    EXPECT_FALSE(object_fakes.was_signalled(silo->events));
    two->kill();
    EXPECT_TRUE(object_fakes.was_signalled(silo->events));
    EXPECT_TRUE(object_fakes.was_signalled(below->events));
    EXPECT_TRUE(object_fakes.was_signalled(root->events));
    EXPECT_EQ(silo->processes.used.load(), 0U);
    EXPECT_EQ(root->processes.used.load(), 0U);
}

TEST_F(SiloTest, ended_processes_do_not_count_against_the_limit) {
    auto silo = Silo::create(root.get(), 0, 1, 0).value();
    auto one = Process::create(silo, "one", abi::IsolationMode::user).value();
    EXPECT_EQ(Process::create(silo, "two", abi::IsolationMode::user).error(), Error::no_resources);
    one->kill();
    EXPECT_TRUE(Process::create(silo, "two", abi::IsolationMode::user));
}

TEST_F(SiloTest, nests_only_so_deep) {
    auto deepest = root;
    for (std::uint32_t depth = 0; depth < Silo::depth_limit; ++depth)
        deepest = Silo::create(deepest.get(), 0, 0, 0).value();
    EXPECT_EQ(Silo::create(deepest.get(), 0, 0, 0).error(), Error::no_resources);
}

TEST_F(SiloTest, a_kill_reaches_everything_below_and_nothing_is_created_afterwards) {
    auto silo = Silo::create(root.get(), 0, 0, 0).value();
    auto below = Silo::create(silo.get(), 0, 0, 0).value();
    auto beside = Process::create(root, "beside", abi::IsolationMode::user).value();
    auto inside = Process::create(below, "inside", abi::IsolationMode::user).value();
    silo->kill();
    EXPECT_TRUE(inside->has_ended());
    EXPECT_FALSE(beside->has_ended());
    EXPECT_EQ(Silo::create(below.get(), 0, 0, 0).error(), Error::bad_state);
    EXPECT_EQ(Process::create(below, "late", abi::IsolationMode::user).error(), Error::bad_state);
}

TEST_F(SiloTest, limits_hold_for_all_silos_above) {
    auto silo = Silo::create(root.get(), 0, 2, 0).value();
    auto below = Silo::create(silo.get(), 0, 0, 0).value();
    auto one = Process::create(silo, "one", abi::IsolationMode::user).value();
    auto two = Process::create(below, "two", abi::IsolationMode::user).value();
    EXPECT_EQ(Process::create(below, "three", abi::IsolationMode::user).error(), Error::no_resources);
    EXPECT_EQ(root->processes.used.load(), 2U);
    EXPECT_EQ(below->processes.used.load(), 1U);
}

TEST_F(SiloTest, real_time_priorities_must_be_allowed_all_the_way_up) {
    auto silo = Silo::create(root.get(), 0, 0, 0).value();
    auto below = Silo::create(silo.get(), 0, 0, 0).value();
    EXPECT_EQ(below->highest_priority(), priority::first_real_time - 1);
    below->set_highest_priority(priority::highest);
    EXPECT_EQ(below->highest_priority(), priority::first_real_time - 1);
    silo->set_highest_priority(28);
    EXPECT_EQ(below->highest_priority(), 28);
}

}  // namespace
}  // namespace astrata::kernel
