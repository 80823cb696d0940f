// Recent system calls as text: a bounded ring that the Personality interface's `trace` reads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/base/bytes.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

enum class TraceMode : std::uint32_t { off = 0, all = 1, unknown_only = 2 };

void set_trace_mode(TraceMode mode);

/// A call that answers ENOSYS: noted in every mode but off.
void trace_unknown(Task& task, std::uint64_t number);

/// Copies text from `position` on (bytes since start; what was overwritten is skipped). Returns the new position.
std::uint64_t read_trace(std::uint64_t position, MutableBytes into, std::size_t& count);

}  // namespace astrata::linux_abi
