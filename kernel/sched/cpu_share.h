// How much processor time a silo may have: a quota for each period, and a weight against its siblings. Arithmetic alone,
// in ticks of any clock; cpu_limits.h applies it.
#pragma once

#include <algorithm>
#include <cstdint>

namespace astrata::kernel {

/// At most `quota` ticks of time in each period, over all CPUs. What is used beyond it, because it is noticed late, is
/// owed: over many periods the quota holds exactly.
class CpuQuota {
public:
    [[nodiscard]] bool is_set() const { return quota_ != 0; }
    /// Begins a period at `now`. A quota of 0 is none.
    void set(std::uint64_t quota, std::uint64_t period, std::uint64_t now) {
        quota_ = quota;
        period_ = period;
        left_ = static_cast<std::int64_t>(quota);
        period_end_ = now + period;
    }
    void charge(std::uint64_t ticks) { left_ -= static_cast<std::int64_t>(ticks); }
    [[nodiscard]] bool is_exhausted() const { return is_set() && left_ <= 0; }

    /// Begins the period that `now` lies in. Unused time of former ones is lost, debts are paid first.
    void refill(std::uint64_t now) {
        if (!is_set() || now < period_end_)
            return;
        auto const periods = (now - period_end_) / period_ + 1;
        period_end_ += periods * period_;
        auto const quota = static_cast<std::int64_t>(quota_);
        // What many periods bring is more than any debt.
        auto const gained = periods > 1'000'000 ? quota - std::min<std::int64_t>(left_, 0)
                                                : static_cast<std::int64_t>(periods) * quota;
        left_ = std::min(left_ + gained, quota);
    }
    [[nodiscard]] std::uint64_t period_end() const { return period_end_; }

private:
    std::uint64_t quota_ = 0;
    std::uint64_t period_ = 1;
    std::int64_t left_ = 0;
    std::uint64_t period_end_ = 0;
};

/// A silo's place among its siblings: each has a clock that runs the slower the greater its weight, and those whose
/// clocks are ahead of the slowest one's make way. Time that nobody else wants is had by whoever wants it.
class CpuWeight {
public:
    static constexpr std::uint32_t standard = 100;
    static constexpr std::uint32_t limit = 10'000;

    /// In ticks of a silo of the standard weight.
    struct Rules {
        std::uint64_t tolerance;  // so far ahead is not ahead
        std::uint64_t memory;     // nobody is held to have had more than this before the others
        std::uint32_t idle_rounds;  // without use, after which a silo is no competitor
    };

    [[nodiscard]] std::uint32_t weight() const { return weight_; }
    void set(std::uint32_t weight) { weight_ = std::max<std::uint32_t>(weight, 1); }

    void charge(std::uint64_t ticks) { used_ += ticks; }

    /// First half of a round, for each silo: moves its clock. `least` is the slowest clock of its siblings in the former
    /// round. True if it takes part in the competition.
    bool advance(std::uint64_t least, Rules const& rules) {
        if (used_ == 0) {
            rounds_without_use_ = std::min(rounds_without_use_ + 1, rules.idle_rounds);
            return is_competing(rules);
        }
        // A silo that was away must not have saved up time meanwhile.
        if (!is_competing(rules))
            clock_ = std::max(clock_, least);
        clock_ = std::min(clock_ + used_ * standard / weight_, least + rules.memory);
        used_ = 0;
        rounds_without_use_ = 0;
        return true;
    }
    [[nodiscard]] std::uint64_t clock() const { return clock_; }
    /// Second half: has it had more than the slowest?
    [[nodiscard]] bool is_ahead(std::uint64_t least, Rules const& rules) const {
        return clock_ > least + rules.tolerance;
    }

private:
    [[nodiscard]] bool is_competing(Rules const& rules) const { return rounds_without_use_ < rules.idle_rounds; }

    std::uint32_t weight_ = standard;
    std::uint32_t rounds_without_use_ = 1'000'000;
    std::uint64_t used_ = 0;
    std::uint64_t clock_ = 0;
};

}  // namespace astrata::kernel
