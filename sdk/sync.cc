#include "sdk/sync.h"

#include "machine/processor.h"

namespace astrata::sdk {

namespace {

constexpr unsigned spin_limit = 64;

/// Made at the first sleep: most threads never contend.
abi::Handle parker_of(ThreadContext& context) {
    if (context.parker == 0) {
        if (auto const made = sys::notification_create())
            context.parker = *made;
    }
    return context.parker;
}

enum class Woken { yes, deadline };

/// Sleeps until another thread has set is_woken, or the deadline. A kick that arrives meanwhile is meant for whoever
/// blocks for longer, so it is repeated once this sleep is over.
Woken park(ThreadContext& self, MonotonicNs deadline) {
    bool was_kicked = false;
    auto woken = Woken::yes;
    while (!self.is_woken.load(std::memory_order_acquire)) {
        if (self.parker == 0) {
            // Without memory for a notification there is still this.
            (void)sys::thread_yield();
            if (deadline != never && sys::clock_now() >= deadline) {
                woken = Woken::deadline;
                break;
            }
            continue;
        }
        auto const waited = sys::object_wait(self.parker, deadline);
        if (waited)
            continue;
        if (waited.error() == Error::interrupted) {
            was_kicked = true;
        } else {
            woken = Woken::deadline;
            break;
        }
    }
    if (was_kicked && self.thread != 0)
        (void)sys::thread_kick(self.thread);
    return woken;
}

/// The waiter may be gone as soon as is_woken is set, so its handle is read before.
void wake(ThreadContext& waiter) {
    auto const parker = waiter.parker;
    waiter.is_woken.store(true, std::memory_order_release);
    if (parker != 0)
        (void)sys::notification_signal(parker, 1);
}

}  // namespace

void WaitQueue::lock() {
    for (unsigned tries = 0; busy_.exchange(true, std::memory_order_acquire); ++tries) {
        if (tries < spin_limit)
            pause_briefly();
        else
            (void)sys::thread_yield();  // the holder was preempted
    }
}

void WaitQueue::add_locked(ThreadContext& waiter) {
    waiter.next_waiter = nullptr;
    (last_ != nullptr ? last_->next_waiter : first_) = &waiter;
    last_ = &waiter;
}

bool WaitQueue::remove_locked(ThreadContext& waiter) {
    ThreadContext* previous = nullptr;
    for (auto* at = first_; at != nullptr; previous = at, at = at->next_waiter) {
        if (at != &waiter)
            continue;
        (previous != nullptr ? previous->next_waiter : first_) = waiter.next_waiter;
        if (last_ == &waiter)
            last_ = previous;
        return true;
    }
    return false;
}

ThreadContext* WaitQueue::take_first_locked() {
    auto* const taken = first_;
    if (taken != nullptr) {
        first_ = taken->next_waiter;
        if (first_ == nullptr)
            last_ = nullptr;
    }
    return taken;
}

void Mutex::lock_contended() {
    for (unsigned tries = 0; tries != spin_limit; ++tries) {
        pause_briefly();
        std::uint32_t expected = free;
        if (state_.compare_exchange_weak(expected, held, std::memory_order_acquire))
            return;
    }
    auto& self = thread_context();
    (void)parker_of(self);
    for (;;) {
        waiters_.lock();
        // From here on the holder's unlock sees that somebody waits, and comes for the queue's lock.
        if (state_.exchange(contended, std::memory_order_acquire) == free) {
            waiters_.unlock();
            return;
        }
        self.is_woken.store(false, std::memory_order_relaxed);
        waiters_.add_locked(self);
        waiters_.unlock();
        (void)park(self, never);
    }
}

void Mutex::wake_one() {
    waiters_.lock();
    auto* const first = waiters_.take_first_locked();
    waiters_.unlock();
    if (first != nullptr)
        wake(*first);
}

bool ConditionVariable::wait(Mutex& mutex, MonotonicNs deadline) {
    auto& self = thread_context();
    (void)parker_of(self);
    waiters_.lock();
    self.is_woken.store(false, std::memory_order_relaxed);
    waiters_.add_locked(self);
    waiters_.unlock();
    mutex.unlock();
    auto woken = park(self, deadline);
    if (woken == Woken::deadline) {
        waiters_.lock();
        bool const was_waiting = waiters_.remove_locked(self);
        waiters_.unlock();
        // Somebody chose this thread at the last moment: it counts as notified, once its waker is done with it.
        if (!was_waiting)
            woken = park(self, never);
    }
    mutex.lock();
    return woken == Woken::yes;
}

void ConditionVariable::notify_one() {
    waiters_.lock();
    auto* const first = waiters_.take_first_locked();
    waiters_.unlock();
    if (first != nullptr)
        wake(*first);
}

void ConditionVariable::notify_all() {
    // Taken off the queue first: a woken thread may queue itself again while the others are still being woken.
    waiters_.lock();
    auto* first = waiters_.take_first_locked();
    ThreadContext* all = nullptr;
    ThreadContext** end = &all;
    for (; first != nullptr; first = waiters_.take_first_locked()) {
        first->next_waiter = nullptr;
        *end = first;
        end = &first->next_waiter;
    }
    waiters_.unlock();
    while (all != nullptr) {
        auto* const next = all->next_waiter;
        wake(*all);
        all = next;
    }
}

}  // namespace astrata::sdk
