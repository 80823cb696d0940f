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

}  // namespace
}  // namespace astrata::kernel
