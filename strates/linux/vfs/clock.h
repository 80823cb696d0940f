// The wall clock as files see it. A file of its own so that unit tests can bring theirs.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

/// Nanoseconds since 1970-01-01T00:00Z.
std::int64_t file_clock_ns();

}  // namespace astrata::linux_abi
