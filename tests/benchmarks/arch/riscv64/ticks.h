// Time for benchmarks: nanoseconds, which are instructions where QEMU counts them.
#pragma once

#include <stdint.h>

enum { nanoseconds_per_count = 100 };  // of the machine `virt`

static inline uint64_t ticks(void) {
    uint64_t count;
    __asm__ volatile("rdtime %0" : "=r"(count)::"memory");
    return count * nanoseconds_per_count;
}
