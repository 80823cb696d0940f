#include "kernel/sched/wait_state.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace astrata::kernel {
namespace {

using Phase = WaitState::Phase;

TEST(WaitState, is_ended_by_the_first_only) {
    WaitState state;
    EXPECT_FALSE(state.try_wake());
    state.announce(Phase::waiting, 1);
    EXPECT_TRUE(state.is_waiting());
    EXPECT_TRUE(state.try_wake());
    EXPECT_FALSE(state.try_wake());
    EXPECT_FALSE(state.try_interrupt(true));
    EXPECT_FALSE(state.is_waiting());
}

TEST(WaitState, an_answer_to_an_older_call_ends_nothing) {
    WaitState state;
    state.announce(Phase::waiting, 8);
    EXPECT_FALSE(state.try_answer(7));
    EXPECT_FALSE(state.try_resume(Phase::parked_in_call, 7));
    state.park(Phase::parked_in_call);
    EXPECT_FALSE(state.try_answer(7));
    EXPECT_FALSE(state.try_resume(Phase::parked_in_call, 7));
    EXPECT_FALSE(state.try_resume_alone(Phase::parked_in_receive, 8));
    EXPECT_TRUE(state.try_resume(Phase::parked_in_call, 8));
    EXPECT_FALSE(state.is_waiting());
}

TEST(WaitState, kicks_and_kills_end_what_they_may) {
    struct {
        Phase phase;
        bool kick, kill;
    } const cases[] = {{Phase::waiting_firmly, false, false},
                       {Phase::waiting_through_kicks, false, true},
                       {Phase::waiting, true, true},
                       {Phase::parked_in_call, true, true},
                       {Phase::parked_in_receive, true, true}};
    for (auto const& one : cases) {
        WaitState state;
        state.announce(one.phase, 3);
        EXPECT_EQ(state.try_interrupt(false), one.kick);
        state.announce(one.phase, 3);
        EXPECT_EQ(state.try_interrupt(true), one.kill);
        state.announce(one.phase, 3);
        EXPECT_TRUE(state.try_wake());
    }
}

TEST(WaitState, a_permit_ends_no_other_wait) {
    WaitState state;
    EXPECT_FALSE(state.try_permit());
    for (auto const phase : {Phase::waiting_firmly, Phase::waiting_through_kicks, Phase::waiting, Phase::parked_in_call, Phase::parked_in_receive}) {
        state.announce(phase, 1);
        EXPECT_FALSE(state.try_permit());
        EXPECT_TRUE(state.try_wake());
    }
    state.announce(Phase::waiting_for_permit, 1);
    EXPECT_TRUE(state.try_permit());
    EXPECT_FALSE(state.try_wake());
    state.announce(Phase::waiting_for_permit, 2);
    EXPECT_TRUE(state.try_interrupt(false));
    EXPECT_FALSE(state.try_permit());
}

TEST(WaitState, parking_does_not_undo_a_wake_up) {
    WaitState state;
    state.announce(Phase::waiting, 5);
    EXPECT_TRUE(state.try_wake());
    state.park(Phase::parked_in_call);
    EXPECT_FALSE(state.is_waiting());
    EXPECT_FALSE(state.try_resume(Phase::parked_in_call, 5));
}

TEST(WaitState, has_one_winner_among_many) {
    WaitState state;
    for (std::uint64_t call = 1; call <= 300; ++call) {
        state.announce(Phase::parked_in_call, call);
        std::atomic<int> winners = 0;
        std::vector<std::thread> threads;
        threads.emplace_back([&] { winners += state.try_wake(); });
        threads.emplace_back([&] { winners += state.try_interrupt(false); });
        threads.emplace_back([&] { winners += state.try_answer(call); });
        threads.emplace_back([&] { winners += state.try_resume(Phase::parked_in_call, call); });
        for (auto& thread : threads)
            thread.join();
        EXPECT_EQ(winners, 1);
        state.end();
    }
}

}  // namespace
}  // namespace astrata::kernel
