// Things that happen at a point in time without a task waiting for them: alarms, POSIX timers, timer files. One service
// thread, started with the first timer, sleeps until the earliest.
#pragma once

#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "lib/base/units.h"
#include "strates/linux/core/errno.h"

namespace astrata::linux_abi {

class DeadlineTimer {
public:
    DeadlineTimer() = default;
    DeadlineTimer(DeadlineTimer const&) = delete;
    DeadlineTimer& operator=(DeadlineTimer const&) = delete;

    /// Calls on_expired at `deadline`, once. Replaces the former deadline.
    /// errors    enomem, eagain (the service thread could not be started)
    [[nodiscard]] LinuxResult<> arm(MonotonicNs deadline);
    /// Not armed any more, and on_expired not running, when it returns. Call it before the object goes away, and never
    /// while holding a lock that on_expired takes.
    void cancel();

protected:
    ~DeadlineTimer() = default;
    /// On the service thread, without locks; the timer is not armed then and may be armed again from here.
    virtual void on_expired() = 0;

private:
    friend class TimerService;
    ListLink<DeadlineTimer> link_;
    MonotonicNs deadline_ = never;
};

}  // namespace astrata::linux_abi
