// Objects that can be signalled and waited for: a word of bits, the threads that wait for it, and the wait set that it may
// be in. Notifications, timers, interrupts, processes and silos are built on it.
#pragma once

#include <cstdint>

#include "kernel/object/object.h"
#include "kernel/sched/wait.h"
#include "kernel/sync/spin_lock.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class WaitSet;
struct WaitSetEntry;

class Waitable {
public:
    explicit Waitable(bool is_sticky = false) : is_sticky_(is_sticky) {}
    ~Waitable();

    /// Sets bits and wakes one waiter. From any context, interrupts included.
    void signal(std::uint64_t bits);
    /// The same, but whoever waited, and now does not, is the caller's to make ready; null: nobody.
    [[nodiscard]] Thread* add(std::uint64_t bits);

    /// Takes the bits that are set; 0 if none are. A sticky one (a process that has ended stays ended) keeps them.
    std::uint64_t take();
    /// Waits until bits are set, takes them. Deadline 0 polls.
    /// errors    timed_out, would_block, interrupted
    [[nodiscard]] Result<std::uint64_t> wait(MonotonicNs deadline);

    /// Joins the entry's wait set.
    /// errors    already_exists (is in one)
    [[nodiscard]] Result<> bind(WaitSetEntry& entry);
    /// Leaves `set`. Returns the entry, which is the caller's to end; null if this is not in the set.
    [[nodiscard]] WaitSetEntry* unbind(WaitSet& set);

private:
    SpinLock<LockRank::waitable, IrqsOff> lock_;
    std::uint64_t bits_ GUARDED_BY(lock_) = 0;
    WaitQueue waiters_ GUARDED_BY(lock_);
    WaitSetEntry* entry_ GUARDED_BY(lock_) = nullptr;
    bool const is_sticky_;
};

/// The Waitable part of an object that has one; null otherwise.
[[nodiscard]] Waitable* waitable_of(KernelObject& object);

}  // namespace astrata::kernel
