// What benchmarks measure in: instructions, where QEMU counts them (-icount shift=0).
#pragma once

#include "machine/processor.h"

namespace astrata {

inline std::uint64_t benchmark_ticks() {
    return read_counter();
}

}  // namespace astrata
