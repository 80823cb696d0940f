// A lock whose waiters sleep: for sections that are long or that may wait for memory. Never taken in interrupt context
// or with a spin lock held.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/sync/lock_rank.h"
#include "lib/sync/thread_annotations.h"

namespace astrata::kernel {

/// The rank-independent part: one word (0 free, 1 held, 2 held with waiters); waiters sleep in the scheduler, queued by
/// the word's address.
class MutexCore {
public:
    void acquire() {
        std::uint32_t expected = 0;
        if (!state_.compare_exchange_strong(expected, 1, std::memory_order_acquire, std::memory_order_relaxed))
            acquire_contended();
    }
    void release() {
        if (state_.exchange(0, std::memory_order_release) == 2)
            wake_waiter();
    }

private:
    void acquire_contended();   // kernel/sync/mutex.cc
    void wake_waiter();
    std::atomic<std::uint32_t> state_ = 0;
};

template <LockRank rank>
class CAPABILITY("mutex") Mutex {
public:
    Mutex() = default;
    Mutex(Mutex const&) = delete;
    Mutex& operator=(Mutex const&) = delete;
    void lock() ACQUIRE() { core_.acquire(); }
    void unlock() RELEASE() { core_.release(); }

private:
    MutexCore core_;
};

}  // namespace astrata::kernel
