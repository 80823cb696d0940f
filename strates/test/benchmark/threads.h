// Switches between threads of one process.
#pragma once

#include <cstdint>

#include "lib/base/result.h"

namespace astrata::benchmark_figures {

/// From before a notification is signalled until the more urgent thread that waits for it runs.
Result<std::uint64_t> signal_waiting_thread();
/// One yield to another thread of the same priority.
Result<std::uint64_t> yield_between_threads();

}  // namespace astrata::benchmark_figures
