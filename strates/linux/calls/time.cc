// Clocks, sleeping, alarms and timers.
#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/calls/restart.h"
#include "strates/linux/core/task.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/times.h"
#include "strates/linux/time/linux_time.h"
#include "strates/linux/time/process_timers.h"

namespace astrata::linux_abi {
namespace {

// Sleeps until `deadline`; an interrupted relative sleep reports what was left and goes on by restart_syscall.
LinuxResult<> sleep_until(Task& task, MonotonicNs deadline, bool is_relative, GuestAddress remaining) {
    for (;;) {
        auto slept = sleep_task(deadline);
        if (slept.has_value())
            continue;
        if (slept.error() == Errno::etimedout)
            return {};
        if (!is_relative)
            return fail(Errno::erestartnohand);
        auto now = sys::clock_now();
        auto left = deadline > now ? deadline.value - now.value : 0;
        if (!remaining.is_null())
            LTRY(write_guest(remaining, to_timespec(left)));
        task.restart = {.kind = RestartBlock::Kind::nanosleep, .deadline = deadline, .remaining = remaining};
        return fail(Errno::erestart_restartblock);
    }
}

// How long until a timer fires, as its structures say it.
LinuxTimerSpec to_timer_spec(TimerSetting setting) {
    return {to_timespec(setting.interval), to_timespec(setting.value)};
}
LinuxTimerVal to_timer_val(TimerSetting setting) {
    // A timer that is about to fire still shows as armed.
    auto value = setting.value != 0 && setting.value < 1000 ? 1000 : setting.value;
    return {to_timeval(setting.interval), to_timeval(value)};
}

}  // namespace

LinuxResult<std::uint64_t> sys_clock_gettime(Task&, std::int32_t clock, GuestAddress time) {
    auto now = LTRY(read_clock(clock));
    LTRY(write_guest(time, to_timespec(now)));
    return 0;
}

LinuxResult<std::uint64_t> sys_clock_getres(Task&, std::int32_t clock, GuestAddress resolution) {
    static_cast<void>(LTRY(read_clock(clock)));
    if (!resolution.is_null())
        LTRY(write_guest(resolution, LinuxTimespec{0, 1}));
    return 0;
}

LinuxResult<std::uint64_t> sys_clock_settime(Task&, std::int32_t clock, GuestAddress time) {
    auto given = LTRY(read_guest<LinuxTimespec>(time));
    static_cast<void>(LTRY(to_nanoseconds(given)));
    if (clock != clock_id::realtime)
        return fail(Errno::einval);
    return fail(Errno::eperm);  // the machine's clock is not this silo's to set
}

LinuxResult<std::uint64_t> sys_gettimeofday(Task&, GuestAddress time, GuestAddress zone) {
    if (!time.is_null())
        LTRY(write_guest(time, to_timeval(sys::clock_wall_ns())));
    if (!zone.is_null())
        LTRY(write_guest(zone, std::uint64_t{0}));  // struct timezone: Greenwich, no daylight saving
    return 0;
}

LinuxResult<std::uint64_t> sys_time(Task&, GuestAddress time) {
    auto seconds = static_cast<std::int64_t>(sys::clock_wall_ns() / nanoseconds_per_second);
    if (!time.is_null())
        LTRY(write_guest(time, seconds));
    return static_cast<std::uint64_t>(seconds);
}

LinuxResult<std::uint64_t> sys_times(Task& task, GuestAddress times) {
    struct LinuxTimes {
        std::uint64_t user = 0, system = 0, children_user = 0, children_system = 0;
    } result;
    {
        Lock lock(process_table().mutex);
        result.user = to_ticks(process_usage(task.process()).cpu_ns);
        result.children_user = to_ticks(task.process().children_usage.cpu_ns);
    }
    if (!times.is_null())
        LTRY(write_guest(times, result));
    return to_ticks(sys::clock_now().value);
}

LinuxResult<std::uint64_t> sys_nanosleep(Task& task, GuestAddress duration, GuestAddress remaining) {
    auto given = LTRY(read_guest<LinuxTimespec>(duration));
    auto nanoseconds = LTRY(to_nanoseconds(given));
    LTRY(sleep_until(task, deadline_in(nanoseconds), true, remaining));
    return 0;
}

LinuxResult<std::uint64_t> sys_clock_nanosleep(Task& task, std::int32_t clock, std::uint64_t flags, GuestAddress time,
                                               GuestAddress remaining) {
    constexpr std::uint64_t absolute = 1;
    if ((flags & ~absolute) != 0 || clock == clock_id::thread_cpu)
        return fail(Errno::einval);
    if (!is_monotonic_clock(clock) && !is_wall_clock(clock)) {
        static_cast<void>(LTRY(read_clock(clock)));
        return fail(Errno::eopnotsupp);
    }
    auto given = LTRY(read_guest<LinuxTimespec>(time));
    auto nanoseconds = LTRY(to_nanoseconds(given));
    if ((flags & absolute) == 0) {
        LTRY(sleep_until(task, deadline_in(nanoseconds), true, remaining));
        return 0;
    }
    auto deadline = LTRY(deadline_on(clock, nanoseconds));
    LTRY(sleep_until(task, deadline, false, {}));
    return 0;
}

LinuxResult<std::uint64_t> sys_getitimer(Task&, std::int32_t which, GuestAddress value) {
    if (which < 0 || which > 2)
        return fail(Errno::einval);
    auto* timers = LTRY(own_timers());
    LTRY(write_guest(value, to_timer_val(timers->interval_timer(static_cast<IntervalTimerKind>(which)).get())));
    return 0;
}

LinuxResult<std::uint64_t> sys_setitimer(Task&, std::int32_t which, GuestAddress value, GuestAddress old) {
    if (which < 0 || which > 2)
        return fail(Errno::einval);
    LinuxTimerVal given;
    if (!value.is_null())
        given = LTRY(read_guest<LinuxTimerVal>(value));
    TimerSetting setting;
    setting.value = LTRY(to_nanoseconds(given.value));
    setting.interval = LTRY(to_nanoseconds(given.interval));
    auto* timers = LTRY(own_timers());
    auto former = LTRY(timers->interval_timer(static_cast<IntervalTimerKind>(which)).set(setting, false));
    if (!old.is_null())
        LTRY(write_guest(old, to_timer_val(former)));
    return 0;
}

LinuxResult<std::uint64_t> sys_alarm(Task&, std::uint32_t seconds) {
    auto* timers = LTRY(own_timers());
    auto former = LTRY(timers->interval_timer(IntervalTimerKind::real)
                           .set({.value = std::uint64_t{seconds} * nanoseconds_per_second}, false));
    // Rounded, but never to "none" while one was set.
    auto left = (former.value + nanoseconds_per_second / 2) / nanoseconds_per_second;
    return former.value != 0 && left == 0 ? 1 : left;
}

LinuxResult<std::uint64_t> sys_timer_create(Task& task, std::int32_t clock, GuestAddress event, GuestAddress timer) {
    // struct sigevent: value, signal, how, thread.
    struct Event {
        std::uint64_t value = 0;
        std::int32_t signal = 0, how = 0, thread = 0;
        std::int32_t padding = 0;
    };
    enum : std::int32_t { by_signal = 0, none = 1, by_thread = 2, to_thread_id = 4 };
    static_cast<void>(LTRY(read_clock(clock)));
    TimerTarget target;
    if (!event.is_null()) {
        auto given = LTRY(read_guest<Event>(event));
        target.value = given.value;
        target.signal = static_cast<Signal>(given.signal);
        if (given.how == none) {
            target.kind = TimerTarget::Kind::none;
        } else if (!is_signal_number(given.signal)) {
            return fail(Errno::einval);
        } else if (given.how == (by_signal | to_thread_id)) {
            target.kind = TimerTarget::Kind::task;
            target.task = static_cast<ProcessId>(given.thread);
            Lock lock(process_table().mutex);
            auto* receiver = process_table().find_task(target.task);
            if (receiver == nullptr || &receiver->process() != &task.process())
                return fail(Errno::einval);
        } else if (given.how != by_signal) {
            return fail(Errno::einval);
        }
    }
    auto* timers = LTRY(own_timers());
    auto id = LTRY(timers->create(clock, target));
    if (auto written = write_guest(timer, id); !written.has_value()) {
        Lock lock(timers->mutex);
        static_cast<void>(timers->remove(id));
        return fail(written.error());
    }
    return 0;
}

LinuxResult<std::uint64_t> sys_timer_settime(Task&, std::int32_t timer, std::uint64_t flags, GuestAddress value,
                                             GuestAddress old) {
    constexpr std::uint64_t absolute = 1;
    auto given = LTRY(read_guest<LinuxTimerSpec>(value));
    TimerSetting setting;
    setting.value = LTRY(to_nanoseconds(given.value));
    setting.interval = LTRY(to_nanoseconds(given.interval));
    TimerSetting former;
    {
        auto* timers = LTRY(own_timers());
        Lock lock(timers->mutex);
        auto* found = timers->find(timer);
        if (found == nullptr)
            return fail(Errno::einval);
        former = LTRY(found->set(setting, (flags & absolute) != 0));
    }
    if (!old.is_null())
        LTRY(write_guest(old, to_timer_spec(former)));
    return 0;
}

LinuxResult<std::uint64_t> sys_timer_gettime(Task&, std::int32_t timer, GuestAddress value) {
    TimerSetting setting;
    {
        auto* timers = LTRY(own_timers());
        Lock lock(timers->mutex);
        auto* found = timers->find(timer);
        if (found == nullptr)
            return fail(Errno::einval);
        setting = found->get();
    }
    LTRY(write_guest(value, to_timer_spec(setting)));
    return 0;
}

LinuxResult<std::uint64_t> sys_timer_getoverrun(Task&, std::int32_t timer) {
    auto* timers = LTRY(own_timers());
    Lock lock(timers->mutex);
    auto* found = timers->find(timer);
    if (found == nullptr)
        return fail(Errno::einval);
    return static_cast<std::uint64_t>(found->overrun());
}

LinuxResult<std::uint64_t> sys_timer_delete(Task&, std::int32_t timer) {
    auto* timers = LTRY(own_timers());
    Lock lock(timers->mutex);
    if (!timers->remove(timer))
        return fail(Errno::einval);
    return 0;
}

LinuxResult<> resume_sleep(Task& task) {
    return sleep_until(task, task.restart.deadline, true, task.restart.remaining);
}

}  // namespace astrata::linux_abi
