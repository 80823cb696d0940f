#include "kernel/sched/cpu_share.h"

#include <array>

#include <gtest/gtest.h>

namespace astrata::kernel {
namespace {

TEST(CpuQuota, is_none_until_set) {
    CpuQuota quota;
    quota.charge(1000);
    EXPECT_FALSE(quota.is_exhausted());
    quota.refill(5000);
    EXPECT_FALSE(quota.is_exhausted());
}

TEST(CpuQuota, is_exhausted_when_used_and_new_in_the_next_period) {
    CpuQuota quota;
    quota.set(20, 100, 1000);
    quota.charge(19);
    EXPECT_FALSE(quota.is_exhausted());
    quota.charge(1);
    EXPECT_TRUE(quota.is_exhausted());
    quota.refill(1099);
    EXPECT_TRUE(quota.is_exhausted());
    quota.refill(1100);
    EXPECT_FALSE(quota.is_exhausted());
    EXPECT_EQ(quota.period_end(), 1200U);
}

TEST(CpuQuota, debts_are_paid_from_later_periods) {
    CpuQuota quota;
    quota.set(20, 100, 0);
    quota.charge(65);
    quota.refill(100);
    quota.refill(200);
    EXPECT_TRUE(quota.is_exhausted());
    quota.refill(300);
    EXPECT_FALSE(quota.is_exhausted());
}

TEST(CpuQuota, unused_time_is_not_saved) {
    CpuQuota quota;
    quota.set(20, 100, 0);
    quota.refill(1'000'000'000'000);
    quota.charge(20);
    EXPECT_TRUE(quota.is_exhausted());
}

TEST(CpuQuota, holds_over_many_periods_though_it_is_noticed_late) {
    CpuQuota quota;
    quota.set(20, 100, 0);
    std::uint64_t used = 0;
    for (std::uint64_t now = 0; now < 100'000; now += 7) {
        quota.refill(now);
        if (quota.is_exhausted())
            continue;
        quota.charge(7);
        used += 7;
    }
    EXPECT_NEAR(static_cast<double>(used), 20'000, 100);
}

constexpr CpuWeight::Rules rules{.tolerance = 200, .memory = 100'000, .idle_rounds = 10};

// Silos on one CPU: each round goes to the first that is not ahead, else to the first that wants it.
template <std::size_t count>
std::array<int, count> compete(std::array<CpuWeight, count>& silos, int rounds, std::uint64_t& least) {
    std::array<int, count> served{};
    for (int round = 0; round < rounds; ++round) {
        std::uint64_t slowest = ~std::uint64_t{0};
        for (auto& silo : silos) {
            if (silo.advance(least, rules))
                slowest = std::min(slowest, silo.clock());
        }
        if (slowest != ~std::uint64_t{0})
            least = slowest;
        std::size_t chosen = 0;
        while (chosen + 1 < count && silos[chosen].is_ahead(least, rules))
            ++chosen;
        silos[chosen].charge(400);
        ++served[chosen];
    }
    return served;
}

TEST(CpuWeight, divides_time_in_proportion) {
    std::array<CpuWeight, 2> silos;
    silos[0].set(100);
    silos[1].set(300);
    for (auto& silo : silos)
        silo.charge(1);
    std::uint64_t least = 0;
    auto const served = compete(silos, 4000, least);
    EXPECT_NEAR(served[0], 1000, 50);
    EXPECT_NEAR(served[1], 3000, 50);
}

TEST(CpuWeight, who_was_away_has_saved_up_nothing) {
    CpuWeight silo;
    silo.charge(10);
    (void)silo.advance(1'000'000, rules);
    EXPECT_GE(silo.clock(), 1'000'000U);
}

TEST(CpuWeight, a_lead_is_forgotten_beyond_a_limit) {
    CpuWeight silo;
    silo.charge(5);
    (void)silo.advance(0, rules);
    silo.charge(1'000'000);
    (void)silo.advance(0, rules);
    EXPECT_LE(silo.clock(), rules.memory);
}

TEST(CpuWeight, who_uses_nothing_does_not_compete_after_a_while) {
    CpuWeight silo;
    silo.charge(5);
    EXPECT_TRUE(silo.advance(0, rules));
    for (int round = 0; round < 9; ++round)
        EXPECT_TRUE(silo.advance(0, rules));
    EXPECT_FALSE(silo.advance(0, rules));
}

}  // namespace
}  // namespace astrata::kernel
