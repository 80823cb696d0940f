// Switches between threads of one process.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::benchmark_figures {

/// From before a notification is signalled until the more urgent thread that waits for it runs.
Result<std::uint64_t> signal_waiting_thread();
/// A call to another thread of the process, and its answer; four words each.
Result<std::uint64_t> ipc_round_trip_same_space();
/// From when a timer is due until the thread that waits for it runs, on a CPU that was idle. Nanoseconds of the clock, which are ticks when
/// instructions are counted.
Result<std::uint64_t> timer_wakes_thread();
/// One yield to another thread of the same priority.
Result<std::uint64_t> yield_between_threads();

}  // namespace astrata::benchmark_figures
