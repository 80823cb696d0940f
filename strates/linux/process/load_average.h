// Exponentially decaying averages of how many tasks want to run (getloadavg(3)).
#pragma once

#include <array>
#include <cstdint>

#include "lib/base/units.h"

namespace astrata::linux_abi {

/// Sampled when somebody asks: the number of runnable tasks found then stands for the time since the last sample.
/// Nothing has to wake up for it.
class LoadAverage {
public:
    /// Averages over 1, 5 and 15 minutes in 1/65536.
    std::array<std::uint64_t, 3> update(MonotonicNs now, std::uint32_t runnable) {
        // Linux's step of five seconds and its decay factors for it, in 1/2048.
        constexpr std::uint64_t step_ns = 5'000'000'000;
        constexpr std::array<std::uint64_t, 3> decay = {1884, 2014, 2037};
        constexpr std::uint64_t one = 2048;
        constexpr std::uint64_t steps_that_matter = 1000;
        auto steps = (now.value - last_.value) / step_ns;
        last_.value += steps * step_ns;
        for (std::uint64_t step = 0; step < steps && step < steps_that_matter; ++step) {
            for (std::size_t index = 0; index < decay.size(); ++index)
                averages_[index] =
                    (averages_[index] * decay[index] + std::uint64_t{runnable} * 65536 * (one - decay[index])) / one;
        }
        return averages_;
    }

private:
    MonotonicNs last_;
    std::array<std::uint64_t, 3> averages_ = {};
};

}  // namespace astrata::linux_abi
