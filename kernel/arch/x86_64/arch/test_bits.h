// One instruction for a question that hot paths ask: the compiler makes two of an atomic load and a test.
#pragma once

#include <atomic>
#include <cstdint>

namespace astrata::kernel::arch {

/// Whether any bit of `mask`, a constant, is set; ordered with nothing.
[[nodiscard, gnu::always_inline]] inline bool has_any(std::atomic<std::uint32_t> const& word, std::uint32_t mask) {
    bool is_set;
    asm volatile("testl %2, %1" : "=@ccnz"(is_set) : "m"(word), "ri"(mask));
    return is_set;
}

}  // namespace astrata::kernel::arch
