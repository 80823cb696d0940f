// Spin locks whose type says their rank and in which context they are taken, and guarded data.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "arch/cpu.h"
#include "kernel/sync/lock_rank.h"
#include "lib/sync/thread_annotations.h"

namespace astrata::kernel {

/// What a holder of the lock has switched off. A lock that an interrupt handler takes must be IrqsOff everywhere, or be taken only
/// where interrupts are off anyway.
enum class LockContext : std::uint8_t { preemption_off, interrupts_off, interrupts_already_off };
inline constexpr auto PreemptionOff = LockContext::preemption_off;
inline constexpr auto IrqsOff = LockContext::interrupts_off;
inline constexpr auto IrqsAlreadyOff = LockContext::interrupts_already_off;

/// A test-and-test-and-set lock. Held briefly: no allocation, user copy, IPC or sleeping while holding one.
template <LockRank rank, LockContext context>
class CAPABILITY("spin lock") SpinLock {
public:
    SpinLock() = default;
    SpinLock(SpinLock const&) = delete;
    SpinLock& operator=(SpinLock const&) = delete;

    void lock() ACQUIRE() {
        arch::InterruptState state{};
        if constexpr (context == LockContext::interrupts_off)
            state = arch::disable_interrupts();
        else if constexpr (context == LockContext::preemption_off)
            arch::disable_preemption();
        arch::note_lock_taken(static_cast<std::uint8_t>(rank));
        while (held_.exchange(true, std::memory_order_acquire)) {
            while (held_.load(std::memory_order_relaxed))
                arch::pause();
        }
        if constexpr (context == LockContext::interrupts_off)
            saved_ = state;
    }

    void unlock() RELEASE() {
        arch::InterruptState state{};
        if constexpr (context == LockContext::interrupts_off)
            state = saved_;
        held_.store(false, std::memory_order_release);
        arch::note_lock_released(static_cast<std::uint8_t>(rank));
        if constexpr (context == LockContext::interrupts_off)
            arch::restore_interrupts(state);
        else if constexpr (context == LockContext::preemption_off)
            arch::enable_preemption();
    }

    /// For code that runs with interrupts off anyway and has another way to go when somebody holds the lock: takes and
    /// frees nothing but the lock itself, in any order.
    [[nodiscard]] bool try_lock_only() TRY_ACQUIRE(true) { return !held_.exchange(true, std::memory_order_acquire); }
    void unlock_only() RELEASE() { held_.store(false, std::memory_order_release); }

    /// For assertions only: somebody, not necessarily the caller, holds it.
    [[nodiscard]] bool is_held() const { return held_.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> held_ = false;
    arch::InterruptState saved_{};  // written and read by the holder only
};

/// Holds any lock with lock() and unlock() for a scope.
template <typename Lock>
class SCOPED_CAPABILITY LockGuard {
public:
    explicit LockGuard(Lock& lock) ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
    ~LockGuard() RELEASE() { lock_.unlock(); }
    LockGuard(LockGuard const&) = delete;
    LockGuard& operator=(LockGuard const&) = delete;

private:
    Lock& lock_;
};

/// Data that can be reached only with its lock held.
template <typename T, LockRank rank, LockContext context = PreemptionOff>
class Guarded {
public:
    template <typename... Arguments>
    explicit Guarded(Arguments&&... arguments) : value_(std::forward<Arguments>(arguments)...) {}

    /// Calls `use` with the value under the lock and returns what it returns. `use` must not keep the reference.
    template <typename Use>
    decltype(auto) with(Use&& use) {
        LockGuard guard(lock_);
        return std::forward<Use>(use)(value_);
    }

private:
    SpinLock<rank, context> lock_;
    T value_ GUARDED_BY(lock_);
};

}  // namespace astrata::kernel
