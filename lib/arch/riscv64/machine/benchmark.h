// What benchmarks measure in: instructions, where QEMU counts them (-icount shift=0).
#pragma once

#include "machine/processor.h"

namespace astrata {

inline std::uint64_t benchmark_ticks() {
    constexpr std::uint64_t nanoseconds_per_count = 100;  // of QEMU's machine `virt`
    return read_counter() * nanoseconds_per_count;  // a virtual nanosecond each
}

}  // namespace astrata
