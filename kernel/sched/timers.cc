#include "kernel/sched/timers.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "arch/cpu.h"
#include "arch/local_timer.h"
#include "kernel/mem/tlb.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer_queue.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel::sched {

namespace {

constexpr unsigned expirations_per_interrupt = 32;
constexpr std::uint64_t pause_between_interrupts_ns = 200'000;

struct Timers {
    SpinLock<LockRank::timer_queue, IrqsOff> lock;
    TimerQueue queue GUARDED_BY(lock);
    std::atomic<TimerNode*> expiring = nullptr;  // whose callback is running
    MonotonicNs earliest_next{0};                // of this CPU alone: no expiry before, however much is due
};
constinit std::array<Timers, cpu_limit> timers;

}  // namespace

void program_timer(arch::PerCpu& cpu, std::uint64_t ticks) {
    if (ticks >= cpu.armed_ticks)
        return;
    cpu.armed_ticks = ticks;
    arch::arm_timer(ticks);
}

void arm_timer(TimerNode& timer, MonotonicNs deadline, std::uint64_t slack_ns) {
    auto const state = arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    // The queue goes by the latest time; whatever is due by then goes with it.
    MonotonicNs const latest{deadline.value > never.value - slack_ns ? never.value : deadline.value + slack_ns};
    {
        auto& own = timers[cpu.index];
        LockGuard guard(own.lock);
        timer.deadline = latest;
        timer.slack_ns = latest.value - deadline.value;
        timer.cpu.store(cpu.index, std::memory_order_relaxed);
        own.queue.insert(timer);
    }
    program_timer(cpu, clock::counter_at(latest));
    arch::restore_interrupts(state);
}

void cancel_timer(TimerNode& timer) {
    for (;;) {
        auto const index = timer.cpu.load(std::memory_order_relaxed);
        auto& owner = timers[index];
        {
            LockGuard guard(owner.lock);
            // It may have moved from a CPU that went offline.
            if (timer.cpu.load(std::memory_order_relaxed) != index)
                continue;
            if (timer.is_armed) {
                owner.queue.remove(timer);
                return;
            }
        }
        // Its callback may be running on the other CPU; the timer's memory must stay until that is over.
        while (owner.expiring.load(std::memory_order_acquire) == &timer)
            arch::pause();
        return;
    }
}

void expire_timers(arch::PerCpu& cpu) {
    auto& own = timers[cpu.index];
    own.earliest_next = {0};
    // However many timers are due, and however short their periods: threads get time between the interrupts.
    for (unsigned handled = 0;; ++handled) {
        auto const now = clock::now();
        if (handled == expirations_per_interrupt) [[unlikely]] {
            own.earliest_next = now + pause_between_interrupts_ns;
            cpu.armed_ticks = ~std::uint64_t{0};  // what was armed in here is overruled
            break;
        }
        TimerNode* due = nullptr;
        {
            LockGuard guard(own.lock);
            due = own.queue.first();
            if (due == nullptr || due->deadline.value - due->slack_ns > now.value)
                break;
            own.queue.remove(*due);
            own.expiring.store(due, std::memory_order_relaxed);
        }
        if (trace::is_on(abi::TraceGroups::timers)) [[unlikely]] {
            auto const earliest = due->deadline.value - due->slack_ns;
            trace::record_always(abi::trace_timer_expired(earliest, now.value - earliest));
        }
        due->expired(*due);
        own.expiring.store(nullptr, std::memory_order_release);
    }
}

void program_first_timer(arch::PerCpu& cpu) {
    auto& own = timers[cpu.index];
    LockGuard guard(own.lock);
    if (auto* next = own.queue.first(); next != nullptr)
        program_timer(cpu, clock::counter_at(std::max(next->deadline, own.earliest_next)));
}

void move_timers(std::uint32_t from, std::uint32_t to) {
    for (;;) {
        TimerNode* moving = nullptr;
        // One at a time: the two locks have the same rank. Meanwhile the timer is in neither queue, but says so only
        // under the first lock, which whoever cancels it takes.
        auto& source = timers[from];
        auto& target = timers[to];
        source.lock.lock();
        moving = source.queue.first();
        if (moving == nullptr) {
            source.lock.unlock();
            return;
        }
        source.queue.remove(*moving);
        moving->cpu.store(to, std::memory_order_relaxed);
        // Both are held for a moment, always in this order of roles: one CPU goes offline at a time.
        while (!target.lock.try_lock_only())
            arch::pause();
        target.queue.insert(*moving);
        target.lock.unlock_only();
        source.lock.unlock();
    }
}

}  // namespace astrata::kernel::sched
