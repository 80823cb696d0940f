#include "strates/linux/time/deadline_timer.h"

#include "abi/system_calls.h"
#include "sdk/thread.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"

namespace astrata::linux_abi {

/// The armed timers, earliest first, and their thread.
class TimerService {
public:
    LinuxResult<> arm(DeadlineTimer& timer, MonotonicNs deadline);
    void cancel(DeadlineTimer& timer);
    void run();

private:
    [[nodiscard]] LinuxResult<> start_locked() REQUIRES(mutex_);

    Mutex mutex_;
    IntrusiveList<DeadlineTimer, &DeadlineTimer::link_> armed_ GUARDED_BY(mutex_);
    DeadlineTimer* running_ GUARDED_BY(mutex_) = nullptr;   // its on_expired is being called
    bool is_started_ GUARDED_BY(mutex_) = false;
    Parker parker_;
    sdk::ConditionVariable finished_;
};

namespace {

constinit TimerService service;

}  // namespace

LinuxResult<> TimerService::start_locked() {
    if (is_started_)
        return {};
    auto thread = sdk::Thread::spawn([](void*) { service.run(); }, nullptr, "timers");
    if (!thread.has_value())
        return fail(to_errno(thread.error()));
    is_started_ = true;
    return {};
}

LinuxResult<> TimerService::arm(DeadlineTimer& timer, MonotonicNs deadline) {
    Lock lock(mutex_);
    LTRY(start_locked());
    if (decltype(armed_)::is_linked(timer))
        armed_.remove(timer);
    timer.deadline_ = deadline;
    DeadlineTimer* position = armed_.front();
    while (position != nullptr && position->deadline_ <= deadline)
        position = armed_.next(*position);
    armed_.insert_before(position, timer);
    if (armed_.front() == &timer)
        parker_.unpark();
    return {};
}

void TimerService::cancel(DeadlineTimer& timer) {
    Lock lock(mutex_);
    for (;;) {
        if (decltype(armed_)::is_linked(timer))
            armed_.remove(timer);
        if (running_ != &timer)
            return;
        finished_.wait(mutex_);
    }
}

void TimerService::run() {
    parker_.begin();
    for (;;) {
        MonotonicNs next = never;
        {
            Lock lock(mutex_);
            auto now = sys::clock_now();
            while (armed_.front() != nullptr && armed_.front()->deadline_ <= now) {
                auto* expired = running_ = armed_.pop_front();
                mutex_.unlock();
                expired->on_expired();
                mutex_.lock();
                running_ = nullptr;
                finished_.notify_all();
            }
            if (armed_.front() != nullptr)
                next = armed_.front()->deadline_;
        }
        parker_.park(next);
    }
}

LinuxResult<> DeadlineTimer::arm(MonotonicNs deadline) {
    return service.arm(*this, deadline);
}

void DeadlineTimer::cancel() {
    service.cancel(*this);
}

}  // namespace astrata::linux_abi
