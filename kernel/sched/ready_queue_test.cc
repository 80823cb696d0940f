#include "kernel/sched/ready_queue.h"

#include <array>

#include <gtest/gtest.h>

namespace astrata::kernel::sched {
namespace {

struct Runner {
    ListLink<Runner> run_link{};
    std::uint64_t ready_since = 0;
    std::uint8_t queued_level = 0;
    std::uint8_t resting_priority = priority::standard;
    std::uint8_t effective_priority = priority::standard;
};

constexpr Patience patience{.at_the_bottom = 100, .with_real_time = 1000};

class ReadyQueueTest : public testing::Test {
protected:
    void push(Runner& runner, std::uint64_t now) { queue.push(runner, runner.effective_priority, false, now); }
    static Runner at(std::uint8_t level) {
        Runner runner;
        runner.resting_priority = runner.effective_priority = level;
        return runner;
    }
    ReadyQueue<Runner> queue;
};

TEST_F(ReadyQueueTest, gives_out_the_highest_level_first_and_the_same_level_in_turn) {
    auto low = at(3);
    auto first = at(20);
    auto second = at(20);
    auto real_time = at(25);
    for (auto* runner : {&low, &first, &second, &real_time})
        push(*runner, 0);
    EXPECT_EQ(queue.levels(), 1U << 3 | 1U << 20 | 1U << 25);
    for (auto* expected : {&real_time, &first, &second, &low})
        EXPECT_EQ(queue.pop(1, patience), expected);
    EXPECT_TRUE(queue.is_empty());
    EXPECT_EQ(queue.pop(1, patience), nullptr);
}

TEST_F(ReadyQueueTest, a_thread_pushed_to_the_front_runs_before_its_equals) {
    auto first = at(10);
    auto preempted = at(10);
    push(first, 0);
    queue.push(preempted, 10, true, 0);
    EXPECT_EQ(queue.pop(0, patience), &preempted);
}

TEST_F(ReadyQueueTest, a_thread_that_waited_too_long_at_the_bottom_runs_and_is_lifted) {
    auto sunk = at(16);
    sunk.effective_priority = 8;
    auto busy = at(16);
    push(sunk, 0);
    for (std::uint64_t now = 0; now <= 100; now += 10) {
        push(busy, now);
        EXPECT_EQ(queue.pop(now, patience), &busy);
    }
    push(busy, 101);
    EXPECT_EQ(queue.pop(101, patience), &sunk);
    EXPECT_EQ(sunk.effective_priority, 16);
}

TEST_F(ReadyQueueTest, real_time_makes_way_only_after_a_long_time) {
    auto shared = at(16);
    auto real_time = at(28);
    push(shared, 5000);
    for (std::uint64_t now = 5000; now <= 6000; now += 50) {
        push(real_time, now);
        EXPECT_EQ(queue.pop(now, patience), &real_time);
    }
    push(real_time, 6001);
    EXPECT_EQ(queue.pop(6001, patience), &shared);
    push(shared, 6010);
    EXPECT_EQ(queue.pop(6010, patience), &real_time);
}

TEST_F(ReadyQueueTest, an_idle_thread_gets_a_turn_but_stays_idle) {
    auto idle = at(priority::lowest);
    auto busy = at(16);
    push(idle, 0);
    push(busy, 200);
    EXPECT_EQ(queue.pop(200, patience), &idle);
    EXPECT_EQ(idle.effective_priority, priority::lowest);
}

TEST_F(ReadyQueueTest, takes_out_the_most_urgent_that_may_leave) {
    auto pinned = at(20);
    auto free = at(10);
    push(pinned, 0);
    push(free, 0);
    EXPECT_EQ(queue.pop_if([&](Runner const& runner) { return &runner != &pinned; }), &free);
    EXPECT_EQ(queue.pop_if([&](Runner const& runner) { return &runner != &pinned; }), nullptr);
    EXPECT_EQ(queue.pop(0, patience), &pinned);
}

TEST(Priority, a_time_shared_thread_sinks_but_not_into_the_idle_band) {
    std::uint8_t effective = priority::standard;
    for (int slices = 0; slices < 100; ++slices)
        effective = priority::sunk(effective, priority::standard);
    EXPECT_EQ(effective, priority::standard - priority::deepest_sink);
    EXPECT_EQ(priority::sunk(1, 3), 1);
    EXPECT_EQ(priority::sunk(0, 0), 0);
    EXPECT_EQ(priority::sunk(30, 30), 30);
}

TEST(Priority, threads_over_their_share_are_below_the_others_and_keep_their_order) {
    EXPECT_LT(priority::over_share(priority::first_real_time - 1), priority::standard - priority::deepest_sink);
    EXPECT_GT(priority::over_share(priority::standard), priority::over_share(8));
    EXPECT_GE(priority::over_share(1), priority::first_time_shared);
    EXPECT_EQ(priority::over_share(28), 28);
    EXPECT_EQ(priority::over_share(0), 0);
}

}  // namespace
}  // namespace astrata::kernel::sched
