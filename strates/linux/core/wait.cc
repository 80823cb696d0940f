#include "strates/linux/core/wait.h"

#include <array>

#include "abi/system_calls.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

namespace {

// Notifications of parkers that are no more. A signal that one still carries wakes its next owner once without reason.
class SpareNotifications {
public:
    abi::Handle take() {
        Lock lock(mutex_);
        return count_ == 0 ? 0 : handles_[--count_];
    }
    bool keep(abi::Handle handle) {
        Lock lock(mutex_);
        if (count_ == handles_.size())
            return false;
        handles_[count_++] = handle;
        return true;
    }

private:
    Mutex mutex_;
    std::array<abi::Handle, 8> handles_ GUARDED_BY(mutex_) = {};
    std::size_t count_ GUARDED_BY(mutex_) = 0;
};
constinit SpareNotifications spare_notifications;

}  // namespace

Parker::~Parker() {
    if (notification_ != 0 && !spare_notifications.keep(notification_))
        static_cast<void>(sys::handle_close(notification_));
}

Result<> Parker::create() {
    notification_ = spare_notifications.take();
    if (notification_ == 0)
        notification_ = TRY(sys::notification_create());
    return {};
}

void Parker::unpark() {
    // Fails only for a handle that is none, which would be our own mistake; nobody could be waiting then.
    static_cast<void>(sys::notification_signal(notification_, 1));
}

bool Parker::park(MonotonicNs deadline) {
    auto waited = sys::object_wait(notification_, deadline);
    return waited.has_value() || waited.error() != Error::timed_out;
}

void WaitQueue::add(Waiter& waiter) {
    Lock lock(mutex_);
    waiter.queue_ = this;
    waiters_.push_back(waiter);
    count_.fetch_add(1, std::memory_order_release);
}

void WaitQueue::remove(Waiter& waiter) {
    Lock lock(mutex_);
    waiters_.remove(waiter);
    waiter.queue_ = nullptr;
    count_.fetch_sub(1, std::memory_order_release);
}

std::uint32_t WaitQueue::wake(std::uint32_t events, std::uint32_t count) {
    if (is_empty())
        return 0;
    std::uint32_t woken = 0;
    Lock lock(mutex_);
    for (auto& waiter : waiters_) {
        if (woken == count)
            break;
        if (waiter.on_wake(events))
            ++woken;
    }
    return woken;
}

TaskWaiter::TaskWaiter() : task_(current_task()) {}

bool TaskWaiter::on_wake(std::uint32_t) {
    // A task that was woken already and has not left the queue yet does not use up a second wake-up.
    if (is_woken_.exchange(true, std::memory_order_acq_rel))
        return false;
    task_.parker.unpark();
    return true;
}

bool is_dying() {
    auto* task = current_task_or_null();
    return task != nullptr && task->is_dying();
}

bool is_interrupted() {
    constexpr auto interrupting = task_work::signal | task_work::exit | task_work::stop;
    return (current_task().work.load(std::memory_order_acquire) & interrupting) != 0;
}

LinuxResult<> sleep_task(MonotonicNs deadline, WaitMode mode) {
    auto& task = current_task();
    auto is_ended = [&] { return mode == WaitMode::interruptible ? is_interrupted() : task.is_dying(); };
    if (is_ended())
        return fail(Errno::erestartsys);
    auto shown = mode == WaitMode::interruptible ? TaskState::sleeping
                 : mode == WaitMode::killable    ? TaskState::uninterruptible
                                                 : TaskState::stopped;
    task.run_state.store(shown, std::memory_order_relaxed);
    bool is_in_time = task.parker.park(deadline);
    task.run_state.store(TaskState::running, std::memory_order_relaxed);
    if (is_ended())
        return fail(Errno::erestartsys);
    if (!is_in_time)
        return fail(Errno::etimedout);
    return {};
}

LinuxResult<> wait(WaitQueue& queue, Mutex& mutex, MonotonicNs deadline, WaitMode mode) {
    TaskWaiter waiter;
    queue.add(waiter);
    mutex.unlock();
    auto slept = sleep_task(deadline, mode);
    mutex.lock();
    queue.remove(waiter);
    // A wake-up that came together with a signal or the deadline must not be lost: the caller looks at its condition again.
    if (!slept.has_value() && waiter.is_woken())
        return {};
    return slept;
}

}  // namespace astrata::linux_abi
