#include "strates/linux/core/wait.h"

#include "abi/system_calls.h"
#include "sdk/thread.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

void Parker::begin() {
    thread_.store(sdk::current_thread(), std::memory_order_seq_cst);
}

void Parker::unpark() {
    // Fails only for a thread that has ended.
    if (auto const thread = this->thread(); thread != 0)
        static_cast<void>(sys::thread_unpark(thread));
}

bool Parker::park(MonotonicNs deadline) {
    auto waited = sys::thread_park(deadline);
    // A deadline of 0, long past, polls.
    return waited.has_value() || (waited.error() != Error::timed_out && waited.error() != Error::would_block);
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
