#include "kernel/sync/mutex.h"

#include <array>

#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel {

namespace {

// Sleepers of all mutexes, in a few queues chosen by the mutex's address; a wake-up wakes all of its queue, and those who
// waited for another mutex look again and go back to sleep.
struct Bucket {
    SpinLock<LockRank::mutex_queue, IrqsOff> lock;
    WaitQueue waiters GUARDED_BY(lock);
};
constinit std::array<Bucket, 64> buckets;

Bucket& bucket_of(void const* address) {
    return buckets[(reinterpret_cast<std::uint64_t>(address) >> 4) % buckets.size()];
}

}  // namespace

void MutexCore::acquire_contended() {
    auto& self = arch::current_thread();
    auto& bucket = bucket_of(this);
    while (state_.exchange(2, std::memory_order_acquire) != 0) {
        {
            LockGuard guard(bucket.lock);
            // Released between the exchange and here: the releaser saw no sleeper.
            if (state_.load(std::memory_order_relaxed) != 2)
                continue;
            self.prepare_to_wait(EndsWait::nothing);
            bucket.waiters.push(self);
        }
        (void)self.block(never);
        LockGuard guard(bucket.lock);
        bucket.waiters.remove(self);
    }
}

void MutexCore::wake_waiter() {
    auto& bucket = bucket_of(this);
    for (;;) {
        Thread* woken = nullptr;
        {
            LockGuard guard(bucket.lock);
            woken = bucket.waiters.pop_woken();
        }
        if (woken == nullptr)
            return;
        sched::make_ready(*woken);
    }
}

}  // namespace astrata::kernel
