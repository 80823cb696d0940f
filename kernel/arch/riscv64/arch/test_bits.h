// One question that hot paths ask.
#pragma once

#include <atomic>
#include <cstdint>

namespace astrata::kernel::arch {

/// Whether any bit of `mask`, a constant, is set; ordered with nothing.
[[nodiscard, gnu::always_inline]] inline bool has_any(std::atomic<std::uint32_t> const& word, std::uint32_t mask) {
    return (word.load(std::memory_order_relaxed) & mask) != 0;
}

}  // namespace astrata::kernel::arch
