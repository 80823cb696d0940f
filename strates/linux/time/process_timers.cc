#include "strates/linux/time/process_timers.h"

#include <algorithm>
#include <new>

#include "abi/system_calls.h"
#include "strates/linux/process/times.h"
#include "strates/linux/signal/send.h"

namespace astrata::linux_abi {
namespace {

// How often a timer of processor time looks again at the least: that time advances no faster than real time on one
// processor, so the rest of the way is a safe step; several threads together may be late by this much.
constexpr std::uint64_t smallest_step = 1'000'000;

ProcessTimers* timers_of(Process& process) {
    Lock lock(process.signal_mutex);
    return process.timers;
}

}  // namespace

bool ProcessTimer::counts_processor_time() const {
    return !is_monotonic_clock(clock_) && !is_wall_clock(clock_);
}

std::uint64_t ProcessTimer::now() {
    if (is_monotonic_clock(clock_))
        return sys::clock_now().value;
    if (is_wall_clock(clock_))
        return sys::clock_wall_ns();
    // The service thread has no process of its own to ask for.
    Lock lock(process_table().mutex);
    return process_usage(process_).cpu_ns;
}

MonotonicNs ProcessTimer::next_look_locked(std::uint64_t now) const {
    auto distance = expiry_ > now ? expiry_ - now : 0;
    if (counts_processor_time())
        distance = std::max(distance, smallest_step);
    return deadline_in(distance);
}

TimerSetting ProcessTimer::get() {
    auto present = now();
    Lock lock(mutex_);
    if (expiry_ == 0)
        return {};
    return {.value = expiry_ > present ? expiry_ - present : 1, .interval = interval_};
}

LinuxResult<TimerSetting> ProcessTimer::set(TimerSetting setting, bool is_absolute) {
    auto present = now();
    MonotonicNs look = never;
    TimerSetting old;
    {
        Lock lock(mutex_);
        if (expiry_ != 0)
            old = {.value = expiry_ > present ? expiry_ - present : 1, .interval = interval_};
        interval_ = setting.interval;
        overrun_ = 0;
        expiry_ = setting.value == 0 ? 0 : is_absolute ? setting.value : present + setting.value;
        if (expiry_ != 0)
            look = next_look_locked(present);
    }
    if (setting.value == 0)
        cancel();
    else
        LTRY(arm(look));
    return old;
}

std::int32_t ProcessTimer::overrun() {
    Lock lock(mutex_);
    return overrun_;
}

void ProcessTimer::send(std::int32_t overrun) {
    if (target_.kind == TimerTarget::Kind::none)
        return;
    auto info = id_ < 0 ? SignalInfo::from_kernel(target_.signal)
                        : SignalInfo::from_timer(target_.signal, id_, overrun,
                                                 target_.value.value_or(static_cast<std::uint64_t>(id_)));
    if (target_.kind == TimerTarget::Kind::process) {
        static_cast<void>(send_to_process(process_, info));
        return;
    }
    Lock lock(process_table().mutex);
    auto* task = process_table().find_task(target_.task);
    if (task != nullptr && &task->process() == &process_)
        static_cast<void>(send_to_task(*task, info));
}

void ProcessTimer::on_expired() {
    auto present = now();
    MonotonicNs look = never;
    bool is_due = false;
    std::int32_t missed = 0;
    {
        Lock lock(mutex_);
        if (expiry_ == 0)
            return;
        is_due = expiry_ <= present;
        if (is_due && interval_ != 0) {
            auto periods = (present - expiry_) / interval_;
            missed = static_cast<std::int32_t>(std::min<std::uint64_t>(periods, 0x7fff'ffff));
            overrun_ = missed;
            expiry_ += (periods + 1) * interval_;
        } else if (is_due) {
            expiry_ = 0;
        }
        if (expiry_ != 0)
            look = next_look_locked(present);
    }
    if (is_due)
        send(missed);
    if (look != never)
        static_cast<void>(arm(look));  // the service runs, and arming again needs no memory
}

ProcessTimers::ProcessTimers(Process& process)
    : process_(process), real_(process, clock_id::monotonic, {.signal = Signal::sigalrm}, -1),
      virtual_(process, clock_id::process_cpu, {.signal = Signal::sigvtalrm}, -1),
      profile_(process, clock_id::process_cpu, {.signal = Signal::sigprof}, -1),
      soft_limit_(process, clock_id::process_cpu, {.signal = Signal::sigxcpu}, -1),
      hard_limit_(process, clock_id::process_cpu, {.signal = Signal::sigkill}, -1) {}

ProcessTimer& ProcessTimers::interval_timer(IntervalTimerKind kind) {
    switch (kind) {
    case IntervalTimerKind::real: return real_;
    case IntervalTimerKind::virtual_time: return virtual_;
    case IntervalTimerKind::profile: return profile_;
    }
    return real_;
}

LinuxResult<> ProcessTimers::limit_processor_time(std::uint64_t soft, std::uint64_t hard) {
    constexpr std::uint64_t second = 1'000'000'000, longest = ~std::uint64_t{0} / second / 2;
    // A limit of 0 seconds is reached at once; a timer for time 0 would be none.
    auto const moment = [](std::uint64_t seconds) {
        return seconds > longest ? 0 : std::max(seconds * second, std::uint64_t{1});
    };
    LTRY(soft_limit_.set({.value = moment(soft), .interval = second}, true));
    LTRY(hard_limit_.set({.value = moment(hard)}, true));
    return {};
}

LinuxResult<std::int32_t> ProcessTimers::create(std::int32_t clock, TimerTarget target) {
    Lock lock(mutex);
    auto free = std::ranges::find(timers_, nullptr);
    if (free == timers_.end())
        return fail(Errno::eagain);
    auto id = static_cast<std::int32_t>(free - timers_.begin());
    free->reset(new (std::nothrow) ProcessTimer(process_, clock, target, id));
    if (*free == nullptr)
        return fail(Errno::enomem);
    return id;
}

ProcessTimer* ProcessTimers::find(std::int32_t id) {
    auto index = static_cast<std::size_t>(id);
    return id >= 0 && index < timers_.size() ? timers_[index].get() : nullptr;
}

bool ProcessTimers::remove(std::int32_t id) {
    auto* timer = find(id);
    if (timer == nullptr)
        return false;
    timer->cancel();
    timers_[static_cast<std::size_t>(id)].reset();
    return true;
}

void ProcessTimers::cancel_all() {
    real_.cancel();
    virtual_.cancel();
    profile_.cancel();
    soft_limit_.cancel();
    hard_limit_.cancel();
    remove_posix_timers();
}

void ProcessTimers::remove_posix_timers() {
    Lock lock(mutex);
    for (auto& timer : timers_) {
        if (timer != nullptr)
            timer->cancel();
        timer.reset();
    }
}

namespace {

LinuxResult<ProcessTimers*> make_timers(Process& process) {
    if (auto* present = timers_of(process))
        return present;
    std::unique_ptr<ProcessTimers> made(new (std::nothrow) ProcessTimers(process));
    if (made == nullptr)
        return fail(Errno::enomem);
    Lock lock(process.signal_mutex);
    if (process.timers == nullptr)
        process.timers = made.release();
    return process.timers;
}

}  // namespace

LinuxResult<ProcessTimers*> own_timers() {
    return make_timers(current_process());
}

LinuxResult<> watch_processor_limit(Process& process) {
    auto const limit = process.limits.get(LimitKind::cpu);
    if (limit.hard == unlimited && limit.soft == unlimited && timers_of(process) == nullptr)
        return {};
    auto* const timers = LTRY(make_timers(process));
    return timers->limit_processor_time(limit.soft, limit.hard);
}

void stop_timers(Process& process) {
    if (auto* timers = timers_of(process))
        timers->cancel_all();
}

void delete_posix_timers(Process& process) {
    if (auto* timers = timers_of(process))
        timers->remove_posix_timers();
}

}  // namespace astrata::linux_abi
