// A process's interval timers and POSIX timers (setitimer(2), timer_create(2)).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "strates/linux/process/process.h"
#include "strates/linux/time/deadline_timer.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {

/// ITIMER_*.
enum class IntervalTimerKind : std::uint8_t { real = 0, virtual_time = 1, profile = 2 };

/// Value and interval in nanoseconds; value 0: not armed.
struct TimerSetting {
    std::uint64_t value = 0;
    std::uint64_t interval = 0;
};

/// Where a timer's expiry goes.
struct TimerTarget {
    enum class Kind : std::uint8_t { none, process, task } kind = Kind::process;
    Signal signal = Signal::sigalrm;
    ProcessId task = 0;
    std::optional<std::uint64_t> value;  ///< sigev_value; absent: the timer's id
};

/// One timer. Counts what its clock counts: real time, or the process's processor time.
class ProcessTimer final : public DeadlineTimer {
public:
    ProcessTimer(Process& process, std::int32_t clock, TimerTarget target, std::int32_t id)
        : process_(process), clock_(clock), target_(target), id_(id) {}

    [[nodiscard]] TimerSetting get();
    /// errors    those of DeadlineTimer::arm
    [[nodiscard]] LinuxResult<TimerSetting> set(TimerSetting setting, bool is_absolute);
    /// Expiries that found the last signal still pending.
    [[nodiscard]] std::int32_t overrun();

private:
    void on_expired() override;
    [[nodiscard]] std::uint64_t now();
    [[nodiscard]] bool counts_processor_time() const;
    [[nodiscard]] MonotonicNs next_look_locked(std::uint64_t now) const REQUIRES(mutex_);
    void send(std::int32_t overrun);

    Process& process_;
    std::int32_t const clock_;
    TimerTarget const target_;
    std::int32_t const id_;  // -1: an interval timer
    Mutex mutex_;
    std::uint64_t expiry_ GUARDED_BY(mutex_) = 0;  // on clock_; 0: not armed
    std::uint64_t interval_ GUARDED_BY(mutex_) = 0;
    std::int32_t overrun_ GUARDED_BY(mutex_) = 0;
};

/// All timers of a process, created with its first one.
class ProcessTimers {
public:
    explicit ProcessTimers(Process& process);

    [[nodiscard]] ProcessTimer& interval_timer(IntervalTimerKind kind);
    /// errors    eagain (too many), enomem
    [[nodiscard]] LinuxResult<std::int32_t> create(std::int32_t clock, TimerTarget target);
    /// Null if there is none. Borrowed: the calling process's own tasks must not delete it meanwhile (`mutex`).
    [[nodiscard]] ProcessTimer* find(std::int32_t id) REQUIRES(mutex);
    [[nodiscard]] bool remove(std::int32_t id) REQUIRES(mutex);
    /// RLIMIT_CPU, in seconds.
    [[nodiscard]] LinuxResult<> limit_processor_time(std::uint64_t soft, std::uint64_t hard);
    void cancel_all();
    void remove_posix_timers();

    Mutex mutex;

private:
    static constexpr std::size_t timer_limit = 128;
    Process& process_;
    ProcessTimer real_, virtual_, profile_;
    ProcessTimer soft_limit_, hard_limit_;
    std::array<std::unique_ptr<ProcessTimer>, timer_limit> timers_ GUARDED_BY(mutex);
};

/// The calling process's timers, made now if need be.
/// errors    enomem
[[nodiscard]] LinuxResult<ProcessTimers*> own_timers();

/// Has RLIMIT_CPU of the process act from now on: SIGXCPU at the soft limit and each second after it, SIGKILL at the
/// hard one. errors    enomem
[[nodiscard]] LinuxResult<> watch_processor_limit(Process& process);

/// The process ends: nothing of it expires any more. Takes only timer locks.
void stop_timers(Process& process);
/// execve: POSIX timers do not survive.
void delete_posix_timers(Process& process);

}  // namespace astrata::linux_abi
