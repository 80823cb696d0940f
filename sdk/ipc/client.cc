#include "sdk/ipc/client.h"

#include <algorithm>

namespace astrata::sdk {

namespace {

// 1, 2, 4, ... 512 ms, then 512 ms more often: the attempts sleep 4.6 s together, as long as the silo manager's longest
// pause.
constexpr unsigned retry_limit = 17;
constexpr std::uint64_t first_pause_ns = 1'000'000;
constexpr unsigned longest_pause_shift = 9;

}  // namespace

bool pause_before_retry(unsigned attempt, MonotonicNs deadline) {
    if (attempt >= retry_limit)
        return false;
    auto const wake = sys::clock_now() + (first_pause_ns << std::min(attempt, longest_pause_shift));
    // Interrupted means that somebody wants this thread elsewhere; it gives up.
    return wake < deadline && sys::thread_sleep(wake).has_value();
}

}  // namespace astrata::sdk
