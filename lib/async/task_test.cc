#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/async/failing_new.h"
#include "lib/async/spawn.h"
#include "lib/async/sync_wait.h"
#include "lib/async/task.h"
#include "lib/async/wait_queue.h"

namespace astrata::async {
namespace {

Task<Result<int>> give(int value) {
    co_return value;
}

Task<Result<int>> refuse(Error error) {
    co_return fail(error);
}

Task<Result<int>> add(int left, int right) {
    auto const first = CO_TRY(co_await give(left));
    auto const second = CO_TRY(co_await give(right));
    co_return first + second;
}

Task<Result<int>> count_down(int from) {
    int sum = 0;
    for (int step = 0; step < from; ++step)
        sum += CO_TRY(co_await give(1));
    co_return sum;
}

Task<Result<int>> nest(int depth) {
    if (depth == 0)
        co_return 0;
    co_return CO_TRY(co_await nest(depth - 1)) + 1;
}

TEST(Task, runs_nothing_before_it_is_awaited) {
    bool has_run = false;
    auto const run = [](bool& flag) -> Task<Result<>> {
        flag = true;
        co_return ok();
    };
    auto task = run(has_run);
    EXPECT_FALSE(has_run);
    EXPECT_TRUE(sync_wait(std::move(task)));
    EXPECT_TRUE(has_run);
}

TEST(Task, yields_values_and_errors) {
    EXPECT_EQ(sync_wait(add(2, 3)), 5);
    auto const failing = []() -> Task<Result<int>> {
        auto const value = CO_TRY(co_await refuse(Error::io));
        ADD_FAILURE() << "went on after an error";
        co_return value;
    };
    EXPECT_EQ(sync_wait(failing()).error(), Error::io);
}

TEST(Task, continues_its_awaiter_without_using_stack) {
    EXPECT_EQ(sync_wait(count_down(100'000)), 100'000);
}

TEST(Task, ends_deep_chains_without_using_stack) {
    // Starting a chain uses stack only for the frames' creation, one at a time; ending it uses none.
    EXPECT_EQ(sync_wait(nest(10'000)), 10'000);
}

TEST(Task, yields_no_memory_when_a_frame_cannot_be_allocated) {
    {
        testing::FailingNew failing(0);
        EXPECT_EQ(sync_wait(add(1, 2)).error(), Error::no_memory);
    }
    {
        testing::FailingNew failing(1);  // the outer frame exists, the first inner one does not
        EXPECT_EQ(sync_wait(add(1, 2)).error(), Error::no_memory);
    }
    {
        testing::FailingNew failing(2);
        EXPECT_EQ(sync_wait(add(1, 2)).error(), Error::no_memory);
    }
}

Task<Result<>> append_after(Event& event, std::vector<int>& order, int number) {
    co_await event;
    order.push_back(number);
    co_return ok();
}

TEST(Event, resumes_its_waiters_in_order) {
    Event event;
    std::vector<int> order;
    auto first = append_after(event, order, 1);
    auto second = append_after(event, order, 2);
    first.start();
    second.start();
    EXPECT_FALSE(first.is_done());
    event.set();
    EXPECT_EQ(order, (std::vector{1, 2}));
    EXPECT_TRUE(first.is_done() && second.is_done());

    auto third = append_after(event, order, 3);
    third.start();
    EXPECT_TRUE(third.is_done());
}

TEST(Event, forgets_a_waiter_whose_task_is_destroyed) {
    Event event;
    std::vector<int> order;
    auto first = append_after(event, order, 1);
    std::optional second = append_after(event, order, 2);
    auto third = append_after(event, order, 3);
    first.start();
    second->start();
    third.start();
    second.reset();
    event.set();
    EXPECT_EQ(order, (std::vector{1, 3}));
}

TEST(WaitQueue, does_not_wake_those_who_wait_again) {
    WaitQueue queue;
    int wakes = 0;
    auto const wait_twice = [](WaitQueue& waiting, int& count) -> Task<Result<>> {
        for (int turn = 0; turn < 2; ++turn) {
            co_await waiting.wait();
            ++count;
        }
        co_return ok();
    };
    auto task = wait_twice(queue, wakes);
    task.start();
    queue.wake_all();
    EXPECT_EQ(wakes, 1);
    EXPECT_FALSE(task.is_done());
    queue.wake_one();
    EXPECT_TRUE(task.is_done());
    queue.wake_all();
    queue.wake_one();
}

TEST(WaitQueue, lets_a_woken_task_destroy_another_waiter) {
    WaitQueue queue;
    std::optional<Task<Result<>>> victim;
    auto const wait = [](WaitQueue& waiting) -> Task<Result<>> {
        co_await waiting.wait();
        co_return ok();
    };
    auto const destroy = [](WaitQueue& waiting, std::optional<Task<Result<>>>& other) -> Task<Result<>> {
        co_await waiting.wait();
        other.reset();
        co_return ok();
    };
    auto killer = destroy(queue, victim);
    killer.start();
    victim = wait(queue);
    victim->start();
    queue.wake_all();
    EXPECT_TRUE(killer.is_done());
    EXPECT_TRUE(queue.is_empty());
}

TEST(Completion, hands_its_value_to_the_awaiter_before_or_after) {
    auto const fetch = [](Completion<Result<std::string>>& answer) -> Task<Result<std::string>> {
        co_return co_await answer;
    };
    Completion<Result<std::string>> late;
    auto task = fetch(late);
    task.start();
    EXPECT_FALSE(task.is_done());
    late.complete("late");
    ASSERT_TRUE(task.is_done());
    EXPECT_EQ(task.take_result(), "late");

    Completion<Result<std::string>> early;
    early.complete(fail(Error::io));
    EXPECT_EQ(sync_wait(fetch(early)).error(), Error::io);
}

TEST(Spawn, runs_a_task_on_its_own) {
    Event event;
    std::vector<int> order;
    std::optional<Result<>> outcome;
    spawn(append_after(event, order, 7), [&](Result<> result) { outcome = result; });
    EXPECT_FALSE(outcome);
    event.set();
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(*outcome);
    EXPECT_EQ(order, std::vector{7});
}

TEST(Spawn, ends_a_task_that_there_is_no_memory_for) {
    for (long const count : {0, 1}) {
        std::optional<Result<int>> outcome;
        testing::FailingNew const failing(count);
        spawn(give(1), [&](Result<int> result) { outcome = result; });
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->error(), Error::no_memory);
    }
}

TEST(SyncWait, gives_up_a_task_that_pauses) {
    Event event;
    std::vector<int> order;
    EXPECT_EQ(sync_wait(append_after(event, order, 1)).error(), Error::would_block);
    event.set();
    EXPECT_TRUE(order.empty());
}

}  // namespace
}  // namespace astrata::async
