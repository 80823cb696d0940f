// Where a randomized test takes its decisions from, and what it does when something does not hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <print>
#include <random>
#include <source_location>

#include "lib/base/bytes.h"

namespace astrata::testing {

class Choices {
public:
    /// `steps` steps that follow from the seed.
    Choices(std::uint64_t seed, std::uint64_t steps) : random_(seed), steps_(steps) {}
    /// What a fuzzer has found; no more steps than it has bytes.
    explicit Choices(Bytes input) : input_(input), is_given_(true), steps_(input.size()) {}

    /// Whether the test goes on for another step.
    [[nodiscard]] bool has_step() {
        if (steps_ == 0 || (is_given_ && input_.empty()))
            return false;
        --steps_;
        return true;
    }
    /// A number below `limit`, which is above 0. An input that is used up gives 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t limit) {
        if (!is_given_)
            return random_() % limit;
        std::uint64_t value = 0;
        for (auto rest = limit - 1; rest != 0 && !input_.empty(); rest >>= 8) {
            value = value << 8 | static_cast<std::uint8_t>(input_.front());
            input_ = input_.subspan(1);
        }
        return value % limit;
    }
    [[nodiscard]] bool one_in(std::uint64_t count) { return below(count) == count - 1; }
    template <typename Range>
    [[nodiscard]] auto& from(Range& range) {
        return range[below(range.size())];
    }

private:
    std::mt19937_64 random_;
    Bytes input_;
    bool is_given_ = false;
    std::uint64_t steps_;
};

/// Ends the program where `holds` is false: a fuzzer keeps the input then.
inline void require(bool holds, std::source_location where = std::source_location::current()) {
    if (holds) [[likely]]
        return;
    std::println(stderr, "{}:{}: does not hold", where.file_name(), where.line());
    std::abort();
}

}  // namespace astrata::testing
