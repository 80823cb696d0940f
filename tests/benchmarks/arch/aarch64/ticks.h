// Time for benchmarks: nanoseconds, which are instructions where QEMU counts them.
#pragma once

#include <stdint.h>

static inline uint64_t ticks(void) {
    uint64_t count, frequency;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count)::"memory");
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
    return count * (1000000000 / frequency);
}
