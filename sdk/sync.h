// Locks for strates with several threads. Uncontended: one atomic instruction and no system call. Contended: a short
// spin, then the thread sleeps on a notification of its own.
#pragma once

#include <atomic>
#include <cstdint>

#include "lib/base/units.h"
#include "lib/sync/thread_annotations.h"
#include "sdk/thread_context.h"

namespace astrata::sdk {

/// Threads that sleep, oldest first. Protected by a flag that is held for a few instructions only.
class WaitQueue {
public:
    constexpr WaitQueue() = default;

    void lock();
    void unlock() { busy_.store(false, std::memory_order_release); }
    void add_locked(ThreadContext& waiter);
    /// False if it was not there any more.
    bool remove_locked(ThreadContext& waiter);
    ThreadContext* take_first_locked();

private:
    std::atomic<bool> busy_ = false;
    ThreadContext* first_ = nullptr;
    ThreadContext* last_ = nullptr;
};

class CAPABILITY("mutex") Mutex {
public:
    constexpr Mutex() = default;
    Mutex(Mutex const&) = delete;
    Mutex& operator=(Mutex const&) = delete;

    void lock() ACQUIRE() {
        std::uint32_t expected = free;
        if (!state_.compare_exchange_strong(expected, held, std::memory_order_acquire)) [[unlikely]]
            lock_contended();
    }
    [[nodiscard]] bool try_lock() TRY_ACQUIRE(true) {
        std::uint32_t expected = free;
        return state_.compare_exchange_strong(expected, held, std::memory_order_acquire);
    }
    void unlock() RELEASE() {
        if (state_.exchange(free, std::memory_order_release) == contended) [[unlikely]]
            wake_one();
    }

private:
    // A thread that wakes up takes the lock as `contended`, since there may be others behind it in the queue.
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;
    static constexpr std::uint32_t contended = 2;

    void lock_contended();
    void wake_one();

    std::atomic<std::uint32_t> state_ = free;
    WaitQueue waiters_;
};

/// Holds a mutex for a scope.
class SCOPED_CAPABILITY MutexLock {
public:
    explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex.lock(); }
    ~MutexLock() RELEASE() { mutex_.unlock(); }
    MutexLock(MutexLock const&) = delete;
    MutexLock& operator=(MutexLock const&) = delete;

private:
    Mutex& mutex_;
};

class ConditionVariable {
public:
    constexpr ConditionVariable() = default;
    ConditionVariable(ConditionVariable const&) = delete;
    ConditionVariable& operator=(ConditionVariable const&) = delete;

    /// Releases the mutex, sleeps until notified, takes it again. May wake up without a reason, so callers test in a
    /// loop. returns    false if the deadline passed first
    bool wait(Mutex& mutex, MonotonicNs deadline = never) REQUIRES(mutex);
    void notify_one();
    void notify_all();

private:
    WaitQueue waiters_;
};

}  // namespace astrata::sdk
