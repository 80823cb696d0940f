// What programs call instead of a system call (vdso(7)). Budget: 63 instructions for clock_gettime, the C library's
// part included.
//
// The wall clock may be set at any time by whoever owns the machine, which the page in front does not learn: it is
// asked for by system call.
#include <cstdint>

#include "strates/linux/exec/program_clock.h"

extern "C" [[gnu::visibility("hidden")]] astrata::linux_abi::ProgramClock const program_clock;  // placed by vdso.ld

namespace {

struct Timespec {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};

constexpr std::int64_t gettimeofday_call = 96;
constexpr std::int64_t time_call = 201;
constexpr std::int64_t clock_gettime_call = 228;
constexpr std::int64_t getcpu_call = 309;

std::int64_t system_call(std::int64_t number, std::uint64_t first, std::uint64_t second, std::uint64_t third = 0) {
    asm volatile("syscall" : "+a"(number) : "D"(first), "S"(second), "d"(third) : "rcx", "r11", "memory");
    return number;
}

std::uint64_t monotonic_now() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    auto const ticks = (std::uint64_t{high} << 32 | low) - program_clock.counter_base;
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * program_clock.multiplier) >> 32);
}

// CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME: one clock here.
constexpr std::uint32_t monotonic_clocks = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 7;

}  // namespace

extern "C" {

// Named as the C libraries look them up.
int read_clock(std::uint32_t clock, Timespec* time) asm("__vdso_clock_gettime");
int read_time_of_day(void* time, void* zone) asm("__vdso_gettimeofday");
std::int64_t read_time(std::int64_t* time) asm("__vdso_time");
int read_processor(std::uint32_t* processor, std::uint32_t* node, void* unused) asm("__vdso_getcpu");

int read_clock(std::uint32_t clock, Timespec* time) {
    if (clock >= 32 || (monotonic_clocks >> clock & 1) == 0)
        return static_cast<int>(system_call(clock_gettime_call, clock, reinterpret_cast<std::uint64_t>(time)));
    constexpr std::uint64_t second = 1'000'000'000;
    auto const now = monotonic_now();
    time->seconds = static_cast<std::int64_t>(now / second);
    time->nanoseconds = static_cast<std::int64_t>(now % second);
    return 0;
}

int read_time_of_day(void* time, void* zone) {
    return static_cast<int>(
        system_call(gettimeofday_call, reinterpret_cast<std::uint64_t>(time), reinterpret_cast<std::uint64_t>(zone)));
}

std::int64_t read_time(std::int64_t* time) {
    return system_call(time_call, reinterpret_cast<std::uint64_t>(time), 0);
}

int read_processor(std::uint32_t* processor, std::uint32_t* node, void* unused) {
    return static_cast<int>(system_call(getcpu_call, reinterpret_cast<std::uint64_t>(processor),
                                        reinterpret_cast<std::uint64_t>(node),
                                        reinterpret_cast<std::uint64_t>(unused)));
}
}
