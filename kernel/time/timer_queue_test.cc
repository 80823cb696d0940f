#include "kernel/time/timer_queue.h"

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace astrata::kernel {
namespace {

void ignore(TimerNode&) {}

TEST(TimerQueue, gives_out_timers_in_order_of_deadline) {
    std::mt19937 random(1);
    std::deque<TimerNode> timers;
    TimerQueue queue;
    std::vector<std::uint64_t> deadlines;
    for (int i = 0; i < 1000; ++i) {
        auto& timer = timers.emplace_back(ignore);
        timer.deadline = {random() % 500};
        deadlines.push_back(timer.deadline.value);
        queue.insert(timer);
    }
    std::ranges::sort(deadlines);
    for (auto expected : deadlines) {
        auto* first = queue.first();
        ASSERT_NE(first, nullptr);
        EXPECT_EQ(first->deadline.value, expected);
        queue.remove(*first);
        EXPECT_FALSE(first->is_armed);
    }
    EXPECT_EQ(queue.first(), nullptr);
}

TEST(TimerQueue, removes_any_timer_and_keeps_the_rest_in_order) {
    std::mt19937 random(2);
    std::deque<TimerNode> timers;
    TimerQueue queue;
    std::vector<TimerNode*> armed;
    for (int step = 0; step < 20000; ++step) {
        if (armed.empty() || random() % 3 != 0) {
            auto& timer = timers.emplace_back(ignore);
            timer.deadline = {random() % 10000};
            queue.insert(timer);
            armed.push_back(&timer);
        } else {
            auto const victim = armed.begin() + static_cast<std::ptrdiff_t>(random() % armed.size());
            queue.remove(**victim);
            armed.erase(victim);
        }
        if (step % 97 == 0 && !armed.empty()) {
            auto const earliest = std::ranges::min_element(armed, {}, [](auto* timer) { return timer->deadline; });
            ASSERT_EQ(queue.first()->deadline, (*earliest)->deadline);
        }
    }
}

// Users choose how many there are, and interrupts are off: the first removal after many insertions must not look at all.
TEST(TimerQueue, no_step_takes_long_however_many_timers_there_are) {
    constexpr int count = 200'000;
    std::deque<TimerNode> timers;
    TimerQueue queue;
    for (int i = 0; i < count; ++i) {
        auto& timer = timers.emplace_back(ignore);
        timer.deadline = {static_cast<std::uint64_t>(i)};
        queue.insert(timer);
    }
    std::uint8_t highest = 0;
    for (auto const& timer : timers)
        highest = std::max(highest, timer.height);
    EXPECT_LE(highest, 26);   // 1.44 log2(count)
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(queue.first()->deadline.value, static_cast<std::uint64_t>(i));
        queue.remove(*queue.first());
    }
}

}  // namespace
}  // namespace astrata::kernel
