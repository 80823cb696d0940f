// What benchmarks measure in: instructions, where QEMU counts them (-icount shift=0).
#pragma once

#include "machine/processor.h"

namespace astrata {

inline std::uint64_t benchmark_ticks() {
    std::uint64_t frequency;
    asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return read_counter() * (1'000'000'000 / frequency);  // a virtual nanosecond each
}

}  // namespace astrata
