// Linux's time structures and clocks (clock_gettime(2)).
#pragma once

#include <cstdint>

#include "lib/base/units.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/process/rusage.h"

namespace astrata::linux_abi {

inline constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;

struct LinuxTimespec {
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
};
/// struct itimerspec and itimerval: interval first.
struct LinuxTimerSpec {
    LinuxTimespec interval;
    LinuxTimespec value;
};
struct LinuxTimerVal {
    LinuxTimeval interval;
    LinuxTimeval value;
};

constexpr LinuxTimespec to_timespec(std::uint64_t nanoseconds) {
    return {static_cast<std::int64_t>(nanoseconds / nanoseconds_per_second),
            static_cast<std::int64_t>(nanoseconds % nanoseconds_per_second)};
}
/// Saturates far in the future.
/// errors    einval (negative, or not a fraction of a second)
[[nodiscard]] constexpr LinuxResult<std::uint64_t> to_nanoseconds(LinuxTimespec time) {
    if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= static_cast<std::int64_t>(nanoseconds_per_second))
        return fail(Errno::einval);
    constexpr std::int64_t far = 9'000'000'000;   // seconds; 285 years
    if (time.seconds > far)
        return static_cast<std::uint64_t>(far) * nanoseconds_per_second;
    return static_cast<std::uint64_t>(time.seconds) * nanoseconds_per_second +
           static_cast<std::uint64_t>(time.nanoseconds);
}
[[nodiscard]] constexpr LinuxResult<std::uint64_t> to_nanoseconds(LinuxTimeval time) {
    if (time.microseconds < 0 || time.microseconds >= 1'000'000)
        return fail(Errno::einval);
    return to_nanoseconds(LinuxTimespec{time.seconds, time.microseconds * 1000});
}

/// CLOCK_*.
namespace clock_id {
inline constexpr std::int32_t realtime = 0;
inline constexpr std::int32_t monotonic = 1;
inline constexpr std::int32_t process_cpu = 2;
inline constexpr std::int32_t thread_cpu = 3;
inline constexpr std::int32_t monotonic_raw = 4;
inline constexpr std::int32_t realtime_coarse = 5;
inline constexpr std::int32_t monotonic_coarse = 6;
inline constexpr std::int32_t boot_time = 7;
inline constexpr std::int32_t realtime_alarm = 8;
inline constexpr std::int32_t boot_time_alarm = 9;
inline constexpr std::int32_t tai = 11;
}  // namespace clock_id

/// Nanoseconds on that clock.
/// errors    einval (no such clock, process or thread)
[[nodiscard]] LinuxResult<std::uint64_t> read_clock(std::int32_t clock);
/// Whether one can sleep and set timers on it, and whether it is wall-clock time.
[[nodiscard]] bool is_wall_clock(std::int32_t clock);
[[nodiscard]] bool is_monotonic_clock(std::int32_t clock);

/// When the clock will show `time`.
/// errors    einval (not a clock of real time)
[[nodiscard]] LinuxResult<MonotonicNs> deadline_on(std::int32_t clock, std::uint64_t time);
/// `duration` from now.
[[nodiscard]] MonotonicNs deadline_in(std::uint64_t duration);

/// The absolute end of a relative timeout in program memory; `never` for a null pointer.
/// errors    efault, einval
[[nodiscard]] LinuxResult<MonotonicNs> read_timeout(GuestAddress timeout);

}  // namespace astrata::linux_abi
