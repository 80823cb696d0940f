// What programs call instead of a system call (vdso(7)). Budget: 63 instructions for clock_gettime, the C library's
// part included.
//
// The wall clock may be set at any time by whoever owns the machine, which the page in front does not learn: it is
// asked for by system call.
#include <cstdint>

#include "linux_calls/numbers.h"
#include "machine.h"
#include "strates/linux/exec/program_clock.h"

extern "C" [[gnu::visibility("hidden")]] astrata::linux_abi::ProgramClock const program_clock;  // placed by vdso.ld

namespace {

using namespace astrata::linux_abi;

struct Timespec {
    std::int64_t seconds;
    std::int64_t nanoseconds;
};

std::uint64_t monotonic_now() {
    auto const ticks = read_counter() - program_clock.counter_base;
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * program_clock.multiplier) >> 32);
}

// CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME: one clock here.
constexpr std::uint32_t monotonic_clocks = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 7;

}  // namespace

extern "C" {

// Named as the C libraries look them up.
int read_clock(std::uint32_t clock, Timespec* time) asm(VDSO_NAME("clock_gettime"));
int read_resolution(std::uint32_t clock, Timespec* resolution) asm(VDSO_NAME("clock_getres"));
int read_time_of_day(void* time, void* zone) asm(VDSO_NAME("gettimeofday"));
int read_processor(std::uint32_t* processor, std::uint32_t* node, void* unused) asm(VDSO_NAME("getcpu"));

int read_clock(std::uint32_t clock, Timespec* time) {
    if (clock >= 32 || (monotonic_clocks >> clock & 1) == 0)
        return static_cast<int>(system_call(call_number::clock_gettime, clock, reinterpret_cast<std::uint64_t>(time)));
    constexpr std::uint64_t second = 1'000'000'000;
    auto const now = monotonic_now();
    time->seconds = static_cast<std::int64_t>(now / second);
    time->nanoseconds = static_cast<std::int64_t>(now % second);
    return 0;
}

int read_resolution(std::uint32_t clock, Timespec* resolution) {
    return static_cast<int>(system_call(call_number::clock_getres, clock, reinterpret_cast<std::uint64_t>(resolution)));
}

int read_time_of_day(void* time, void* zone) {
    return static_cast<int>(system_call(call_number::gettimeofday, reinterpret_cast<std::uint64_t>(time),
                                        reinterpret_cast<std::uint64_t>(zone)));
}

int read_processor(std::uint32_t* processor, std::uint32_t* node, void* unused) {
    return static_cast<int>(system_call(call_number::getcpu, reinterpret_cast<std::uint64_t>(processor),
                                        reinterpret_cast<std::uint64_t>(node),
                                        reinterpret_cast<std::uint64_t>(unused)));
}
}
