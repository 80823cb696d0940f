// How a task sleeps inside the personality: wait queues in the objects that it waits for, one parker in each task.
//
// A task that waits for one object holds the object's mutex, finds that it must wait, and calls wait(): it is on the
// queue before the mutex is released, so no wake-up between check and sleep is lost. A task that waits for several
// objects (poll) adds one waiter to each queue first, then checks each object, then parks.
//
// Wake-ups may be spurious: always wait in a loop that checks the condition again.
#pragma once

#include <atomic>
#include <cstdint>

#include "abi/message.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/units.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/lock.h"

namespace astrata::linux_abi {

class Task;
class WaitQueue;

/// Puts one thread to sleep and wakes it. An unpark() before the park() is not lost.
class Parker {
public:
    Parker() = default;
    Parker(Parker const&) = delete;
    Parker& operator=(Parker const&) = delete;

    /// From now on it is the calling thread that parks. What others did before, it must see by looking.
    void begin();
    /// The thread parks no more.
    void end() { thread_.store(0, std::memory_order_relaxed); }
    /// The one that parks; 0 before it has begun and after its end.
    [[nodiscard]] abi::Handle thread() const { return thread_.load(std::memory_order_seq_cst); }
    /// Any thread.
    void unpark();
    /// The owning thread. Returns false once `deadline` has passed, true otherwise, also without reason.
    bool park(MonotonicNs deadline);

private:
    std::atomic<abi::Handle> thread_ = 0;
};

/// One entry on one queue. Add it, check the condition, sleep, remove it: it must be off the queue before it is
/// destroyed.
class Waiter {
public:
    Waiter() = default;
    Waiter(Waiter const&) = delete;
    Waiter& operator=(Waiter const&) = delete;

    /// Called under the queue's lock by whoever wakes the queue, with what happened (poll events, or all ones). Must
    /// not block, nor wake or change this queue; may wake other queues only downwards in the lock order. Returns
    /// whether this waiter uses up a wake_one.
    virtual bool on_wake(std::uint32_t events) = 0;

    [[nodiscard]] bool is_queued() const { return queue_ != nullptr; }

protected:
    ~Waiter() = default;

private:
    friend class WaitQueue;
    ListLink<Waiter> link_;
    WaitQueue* queue_ = nullptr;  // changed only by the waiting thread
};

/// Who waits for an object. Embedded in it.
class WaitQueue {
public:
    WaitQueue() = default;
    WaitQueue(WaitQueue const&) = delete;
    WaitQueue& operator=(WaitQueue const&) = delete;

    /// Last in the queue. `waiter` stays borrowed until remove().
    void add(Waiter& waiter);
    void remove(Waiter& waiter);

    /// Wakes waiters in order until one has used the wake-up. Cheap when nobody waits. Callers changed the condition
    /// before, under the mutex that waiters check it with.
    void wake_one(std::uint32_t events = ~0u) { wake(events, 1); }
    void wake_all(std::uint32_t events = ~0u) { wake(events, ~0u); }
    /// Wakes up to `count`; returns how many used it.
    std::uint32_t wake(std::uint32_t events, std::uint32_t count);

    [[nodiscard]] bool is_empty() const { return count_.load(std::memory_order_acquire) == 0; }

private:
    Mutex mutex_;
    IntrusiveList<Waiter, &Waiter::link_> waiters_ GUARDED_BY(mutex_);
    std::atomic<std::uint32_t> count_ = 0;
};

/// A waiter that wakes the task that made it. Several may lie on several queues at once and share one sleep.
class TaskWaiter final : public Waiter {
public:
    /// For the calling task.
    TaskWaiter();
    bool on_wake(std::uint32_t events) override;
    [[nodiscard]] bool is_woken() const { return is_woken_.load(std::memory_order_acquire); }
    void reset() { is_woken_.store(false, std::memory_order_relaxed); }

private:
    Task& task_;
    std::atomic<bool> is_woken_ = false;
};

/// What may end a sleep early.
enum class WaitMode : std::uint8_t {
    interruptible,  ///< any signal that the task would act on
    killable,       ///< only the end of the task
    stopped,        ///< the same, for a stopped process
};

/// Sleeps once: until unparked, `deadline`, or a signal. The caller checks its waiters afterwards.
/// errors    erestartsys (signal, or the task is to end), etimedout
[[nodiscard]] LinuxResult<> sleep_task(MonotonicNs deadline, WaitMode mode = WaitMode::interruptible);

/// Waits on one queue: releases `mutex`, which the caller holds, sleeps, takes it again. Also returns without a reason.
/// errors    erestartsys, etimedout
[[nodiscard]] LinuxResult<> wait(WaitQueue& queue, Mutex& mutex, MonotonicNs deadline = never,
                                 WaitMode mode = WaitMode::interruptible) REQUIRES(mutex);

/// Whether the calling task should return from a blocking call: a signal is pending, or the task is to end.
[[nodiscard]] bool is_interrupted();
/// Whether the calling task is to end.
[[nodiscard]] bool is_dying();

/// Repeats `operation`, a function returning Result<T>, while it fails with `interrupted` for a kick that was not meant
/// for it. For calls to other strates, which programs see as uninterruptible; gives up when the task is to end.
template <typename Operation>
auto retry_interrupted(Operation operation) {
    for (;;) {
        auto result = operation();
        if (result.has_value() || result.error() != Error::interrupted || is_dying())
            return result;
    }
}

}  // namespace astrata::linux_abi
