#include "strates/linux/signal/pending.h"

#include <gtest/gtest.h>

#include <optional>

namespace astrata::linux_abi {
namespace {

constexpr auto everything = SignalSet{~std::uint64_t{0}};
constexpr std::uint64_t no_limit = 1000;

SignalInfo queued(int number, std::uint64_t value) {
    auto info = SignalInfo::from_process(static_cast<Signal>(number), signal_code::queue, 7, 0);
    info.words[1] = value;
    return info;
}

std::optional<SignalInfo> take(PendingSignals& pending, SignalSet wanted) {
    SignalInfo info;
    return pending.take(wanted, info) ? std::optional(info) : std::nullopt;
}

TEST(PendingSignals, keep_a_standard_signal_once_and_a_real_time_one_as_often_as_it_was_sent) {
    PendingSignals pending;
    for (std::uint64_t value = 1; value <= 3; ++value) {
        ASSERT_TRUE(pending.add(queued(10, value), true, no_limit).has_value());
        ASSERT_TRUE(pending.add(queued(40, value), true, no_limit).has_value());
    }
    EXPECT_EQ(take(pending, everything)->words[1], 1u);
    for (std::uint64_t value = 1; value <= 3; ++value) {
        auto taken = take(pending, everything);
        ASSERT_TRUE(taken.has_value());
        EXPECT_EQ(taken->number, 40);
        EXPECT_EQ(taken->words[1], value);
    }
    EXPECT_FALSE(take(pending, everything).has_value());
    EXPECT_TRUE(pending.set().is_empty());
}

TEST(PendingSignals, give_lower_numbers_first_but_faults_before_all) {
    PendingSignals pending;
    for (int number : {40, 35, 15, 11, 2})
        ASSERT_TRUE(pending.add(queued(number, 0), true, no_limit).has_value());
    for (int number : {11, 2, 15, 35, 40})
        EXPECT_EQ(take(pending, everything)->number, number);
}

TEST(PendingSignals, give_only_what_is_wanted) {
    PendingSignals pending;
    ASSERT_TRUE(pending.add(queued(2, 0), true, no_limit).has_value());
    EXPECT_FALSE(take(pending, ~SignalSet::of(Signal::sigint)).has_value());
    EXPECT_TRUE(take(pending, SignalSet::of(Signal::sigint)).has_value());
}

TEST(PendingSignals, tell_the_sender_when_the_queue_is_full_but_lose_no_signal) {
    PendingSignals pending;
    ASSERT_TRUE(pending.add(queued(40, 1), true, 1).has_value());
    EXPECT_EQ(pending.add(queued(41, 1), true, 1).error(), Errno::eagain);
    EXPECT_TRUE(pending.add(queued(41, 1), false, 1).has_value());
    EXPECT_TRUE(pending.add(queued(15, 1), true, 1).has_value());
    EXPECT_EQ(take(pending, everything)->number, 15);
    EXPECT_EQ(take(pending, everything)->number, 40);
    auto bare = take(pending, everything);
    EXPECT_EQ(bare->number, 41);
    EXPECT_EQ(bare->code, signal_code::user);
}

TEST(PendingSignals, forget_what_is_discarded) {
    PendingSignals pending;
    for (int number : {19, 20, 40, 40, 2})
        ASSERT_TRUE(pending.add(queued(number, 0), true, no_limit).has_value());
    pending.discard(stop_signals);
    EXPECT_EQ(pending.queued(), 3u);
    EXPECT_EQ(take(pending, everything)->number, 2);
    pending.clear();
    EXPECT_FALSE(take(pending, everything).has_value());
}

}  // namespace
}  // namespace astrata::linux_abi
