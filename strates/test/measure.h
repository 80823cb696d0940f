// Rounds, medians and lines of the log.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "lib/base/result.h"
#include "machine/benchmark.h"
#include "sdk/log.h"

namespace astrata::benchmark_figures {

inline constexpr std::size_t rounds = 7;

inline std::uint64_t ticks() {
    return benchmark_ticks();
}

/// The median of `rounds` results of round(), after one to warm up. Each result is in tenths of a tick.
template <typename Round>
Result<std::uint64_t> median_of(Round round) {
    std::array<std::uint64_t, rounds> taken{};
    TRY(round());
    for (auto& one : taken)
        one = TRY(round());
    std::ranges::sort(taken, [](std::uint64_t left, std::uint64_t right) { return left < right; });
    return taken[rounds / 2];
}

/// Ticks that `operation` takes, in tenths.
template <typename Operation>
Result<std::uint64_t> measure(std::uint64_t count, Operation operation) {
    return median_of([&]() -> Result<std::uint64_t> {
        auto const start = ticks();
        for (std::uint64_t i = 0; i != count; ++i)
            TRY(operation());
        return (ticks() - start) * 10 / count;
    });
}

inline void report(std::string_view metric, Result<std::uint64_t> tenths) {
    if (tenths)
        sdk::log(metric, " ", *tenths / 10, ".", *tenths % 10, " ticks");
    else
        sdk::log(metric, " failed: ", tenths.error());
}

}  // namespace astrata::benchmark_figures
