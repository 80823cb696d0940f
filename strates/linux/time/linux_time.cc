#include "strates/linux/time/linux_time.h"

#include "abi/system_calls.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/times.h"

namespace astrata::linux_abi {
namespace {

// Clocks of other processes and threads (clock_getcpuclockid): the id's complement above three low bits.
LinuxResult<std::uint64_t> read_cpu_clock_of(std::int32_t clock) {
    constexpr std::int32_t kind_mask = 3, of_thread = 4, kind_schedule = 2;
    if ((clock & kind_mask) > kind_schedule)
        return fail(Errno::einval);
    auto id = static_cast<ProcessId>(~(clock >> 3));
    Lock locked(process_table().mutex);
    if ((clock & of_thread) != 0) {
        auto* task = id == 0 ? &current_task() : process_table().find_task(id);
        if (task == nullptr)
            return fail(Errno::einval);
        return thread_usage(*task).cpu_ns;
    }
    auto* process = id == 0 ? &current_process() : process_table().find_process(id);
    if (process == nullptr)
        return fail(Errno::einval);
    return process_usage(*process).cpu_ns;
}

}  // namespace

LinuxResult<std::uint64_t> read_clock(std::int32_t clock) {
    switch (clock) {
    case clock_id::realtime:
    case clock_id::realtime_coarse:
    case clock_id::realtime_alarm:
    case clock_id::tai: return sys::clock_wall_ns();
    case clock_id::monotonic:
    case clock_id::monotonic_raw:
    case clock_id::monotonic_coarse:
    case clock_id::boot_time:
    case clock_id::boot_time_alarm: return sys::clock_now().value;
    case clock_id::process_cpu: {
        Lock lock(process_table().mutex);
        return process_usage(current_process()).cpu_ns;
    }
    case clock_id::thread_cpu: return thread_usage(current_task()).cpu_ns;
    default: break;
    }
    if (clock < 0)
        return read_cpu_clock_of(clock);
    return fail(Errno::einval);
}

bool is_wall_clock(std::int32_t clock) {
    return clock == clock_id::realtime || clock == clock_id::realtime_alarm || clock == clock_id::tai;
}

bool is_monotonic_clock(std::int32_t clock) {
    return clock == clock_id::monotonic || clock == clock_id::boot_time || clock == clock_id::boot_time_alarm;
}

LinuxResult<MonotonicNs> deadline_on(std::int32_t clock, std::uint64_t time) {
    if (is_monotonic_clock(clock))
        return MonotonicNs{time};
    if (!is_wall_clock(clock))
        return fail(Errno::einval);
    auto now = sys::clock_wall_ns();
    return time <= now ? MonotonicNs{0} : deadline_in(time - now);
}

MonotonicNs deadline_in(std::uint64_t duration) {
    return sys::clock_now() + duration;
}

LinuxResult<MonotonicNs> read_timeout(GuestAddress timeout) {
    if (timeout.is_null())
        return never;
    auto time = LTRY(read_guest<LinuxTimespec>(timeout));
    return deadline_in(LTRY(to_nanoseconds(time)));
}

}  // namespace astrata::linux_abi
