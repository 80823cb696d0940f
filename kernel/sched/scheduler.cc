#include "kernel/sched/scheduler.h"

#include <algorithm>
#include <array>
#include <bit>

#include "arch/cpu.h"
#include "arch/local_timer.h"
#include "arch/smp.h"
#include "kernel/mem/frames.h"
#include "kernel/object/process.h"
#include "kernel/sched/reaper.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer_queue.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel::sched {

namespace {

constexpr std::uint64_t slice_ns = 10'000'000;
// A time-shared thread sinks at most this many levels below its base, and comes back to it when it has waited for
// something.
constexpr std::uint8_t deepest_sink = 8;
constexpr std::uint32_t low_pick_interval = 16;
// An idle CPU looks for work this long before it halts: waking from a halt costs far more than a context switch.
constexpr std::uint64_t idle_poll_ns = 30'000;

// Computed once: every switch needs it.
std::uint64_t slice_ticks() {
    static constinit std::uint64_t ticks = 0;
    if (ticks == 0 && clock::counter_frequency_hz() != 0) [[unlikely]]
        ticks = clock::ticks_for(slice_ns);
    return ticks;
}

struct RunQueue {
    SpinLock<LockRank::run_queue, IrqsOff> lock;
    std::array<IntrusiveList<Thread, &Thread::run_link>, priority::levels> levels GUARDED_BY(lock);
    std::uint32_t picks GUARDED_BY(lock) = 0;
    std::uint32_t occupied GUARDED_BY(lock) = 0;  // bit for each level that is not empty
    std::atomic<std::uint32_t> length = 0;        // read without the lock by those who look for work
};

struct Timers {
    SpinLock<LockRank::timer_queue, IrqsOff> lock;
    TimerQueue queue GUARDED_BY(lock);
    std::atomic<TimerNode*> expiring = nullptr;  // whose callback is running
};

constinit std::array<RunQueue, cpu_limit> run_queues;
constinit std::array<Timers, cpu_limit> timers;
constinit std::atomic<std::uint64_t> online = 0;

void push_locked(RunQueue& queue, Thread& thread, bool at_front) REQUIRES(queue.lock) {
    auto& level = queue.levels[thread.effective_priority];
    if (at_front)
        level.push_front(thread);
    else
        level.push_back(thread);
    queue.occupied |= 1U << thread.effective_priority;
    queue.length.fetch_add(1, std::memory_order_relaxed);
}

void take_locked(RunQueue& queue, Thread& thread) REQUIRES(queue.lock) {
    auto& level = queue.levels[thread.effective_priority];
    level.remove(thread);
    if (level.is_empty())
        queue.occupied &= ~(1U << thread.effective_priority);
    queue.length.fetch_sub(1, std::memory_order_relaxed);
}

// The most urgent; but every so often the least urgent time-shared one, so that those who use up their slices are not
// starved by those who never do.
Thread* pop_next(RunQueue& queue) {
    if (queue.length.load(std::memory_order_relaxed) == 0)
        return nullptr;
    LockGuard guard(queue.lock);
    if (queue.occupied == 0)
        return nullptr;
    auto level = static_cast<std::size_t>(std::bit_width(queue.occupied)) - 1;
    if (++queue.picks % low_pick_interval == 0 && level < priority::first_real_time)
        level = static_cast<std::size_t>(std::countr_zero(queue.occupied));
    auto* thread = queue.levels[level].front();
    take_locked(queue, *thread);
    return thread;
}

bool may_run_on(Thread const& thread, std::uint32_t cpu) {
    return ((thread.affinity.load(std::memory_order_relaxed) >> cpu) & 1) != 0;
}

// Takes a thread from another CPU's queue, the most urgent that may run here.
Thread* steal(std::uint32_t own) {
    for (auto others = online.load(std::memory_order_relaxed) & ~(std::uint64_t{1} << own); others != 0;
         others &= others - 1) {
        auto& queue = run_queues[static_cast<std::size_t>(std::countr_zero(others))];
        if (queue.length.load(std::memory_order_relaxed) == 0)
            continue;
        LockGuard guard(queue.lock);
        for (auto levels = queue.occupied; levels != 0;) {
            auto const level = static_cast<std::size_t>(std::bit_width(levels)) - 1;
            levels &= ~(1U << level);
            for (auto& thread : queue.levels[level]) {
                if (may_run_on(thread, own)) {
                    take_locked(queue, thread);
                    return &thread;
                }
            }
        }
    }
    return nullptr;
}

std::uint32_t choose_cpu(Thread const& thread) {
    auto const allowed = thread.affinity.load(std::memory_order_relaxed) & online.load(std::memory_order_relaxed);
    auto const last = thread.cpu.load(std::memory_order_relaxed);
    auto const last_bit = std::uint64_t{1} << last;
    if (allowed == 0 || allowed == last_bit)
        return allowed == 0 ? static_cast<std::uint32_t>(std::countr_zero(online.load(std::memory_order_relaxed)))
                            : last;
    auto is_idle = [](std::uint32_t cpu) {
        auto const* current = arch::cpu(cpu).current;
        return current != nullptr && current->is_idle && run_queues[cpu].length.load(std::memory_order_relaxed) == 0;
    };
    if ((allowed & last_bit) != 0 && is_idle(last))
        return last;
    for (auto candidates = allowed; candidates != 0; candidates &= candidates - 1) {
        auto const cpu = static_cast<std::uint32_t>(std::countr_zero(candidates));
        if (is_idle(cpu))
            return cpu;
    }
    return (allowed & last_bit) != 0 ? last : static_cast<std::uint32_t>(std::countr_zero(allowed));
}

// Sets the local timer to `ticks` unless it goes off earlier anyway. A timer that fires for nothing is harmless.
void program_timer(arch::PerCpu& cpu, std::uint64_t ticks) {
    if (ticks >= cpu.armed_ticks)
        return;
    cpu.armed_ticks = ticks;
    arch::arm_timer(ticks);
}

void arm_slice(arch::PerCpu& cpu) {
    // With nobody else waiting the slice may run out unnoticed.
    if (run_queues[cpu.index].length.load(std::memory_order_relaxed) != 0)
        program_timer(cpu, cpu.slice_end_ticks);
}

void charge_time(Thread& thread, std::uint64_t now) {
    auto const ticks = now - thread.switched_in_ticks;
    thread.switched_in_ticks = now;
    if (thread.is_idle) {
        arch::this_cpu().idle_ticks += ticks;
        return;
    }
    thread.run_ticks.store(thread.run_ticks.load(std::memory_order_relaxed) + ticks, std::memory_order_relaxed);
    if (thread.is_user())
        thread.silo_run_ticks->fetch_add(ticks, std::memory_order_relaxed);
}

// What the thread has counted for itself. Interrupts are off.
void settle_counts(arch::PerCpu& cpu, Thread& thread) {
    if (thread.uncounted_system_calls == 0 && thread.uncounted_page_faults == 0)
        return;
    auto const calls = std::exchange(thread.uncounted_system_calls, 0);
    auto const faults = std::exchange(thread.uncounted_page_faults, 0);
    cpu.system_calls += calls;
    cpu.page_faults += faults;
    if (!thread.is_user())
        return;
    thread.process().silo().system_calls.fetch_add(calls, std::memory_order_relaxed);
    thread.process().silo().page_faults.fetch_add(faults, std::memory_order_relaxed);
}

// Interrupts are off. The outgoing thread is queued already if it wants to run on.
void change_to(arch::PerCpu& cpu, Thread& next) {
    auto& previous = *cpu.current;
    if (&next == &previous) {
        // Still the most urgent: a new slice, whose end must be noticed as well.
        cpu.slice_end_ticks = arch::timestamp() + slice_ticks();
        arm_slice(cpu);
        return;
    }
    // Its last CPU may still be on the way off its stack.
    while (next.is_on_cpu.load(std::memory_order_acquire))
        arch::pause();
    auto const now = arch::timestamp();
    charge_time(previous, now);
    settle_counts(cpu, previous);
    if (trace::is_on(abi::TraceGroups::scheduling)) [[unlikely]]
        trace::record_switch(previous, next);
    next.switched_in_ticks = now;
    next.is_on_cpu.store(true, std::memory_order_relaxed);
    next.cpu.store(cpu.index, std::memory_order_relaxed);
    next.switches.store(next.switches.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    ++cpu.switches;
    cpu.slice_end_ticks = now + slice_ticks();
    arm_slice(cpu);
    cpu.switched_from = &previous;
    cpu.current = &next;
    arch::switch_threads(previous, next);
    finish_switch();
}

Thread& pick(arch::PerCpu& cpu) {
    if (auto* own = pop_next(run_queues[cpu.index]); own != nullptr)
        return *own;
    if (auto* stolen = steal(cpu.index); stolen != nullptr)
        return *stolen;
    return *cpu.idle_thread;
}

// The current thread stays ready, but others go first: at the back of its level if its slice is over.
void requeue_current(arch::PerCpu& cpu, bool slice_is_over) {
    auto& thread = *cpu.current;
    if (thread.is_idle)
        return;
    auto& queue = run_queues[cpu.index];
    LockGuard guard(queue.lock);
    push_locked(queue, thread, !slice_is_over);
}

void sink(Thread& thread) {
    if (thread.base_priority >= priority::first_real_time)
        return;
    auto const floor = thread.base_priority > deepest_sink ? thread.base_priority - deepest_sink : priority::lowest;
    if (thread.effective_priority > floor)
        --thread.effective_priority;
}

}  // namespace

void finish_switch() {
    auto& cpu = arch::this_cpu();
    auto* const previous = cpu.switched_from;
    cpu.switched_from = nullptr;
    bool const has_ended = previous->has_ended;
    // As the fast path expects it of a thread that parks.
    arch::note_running(cpu.current->arch);
    previous->is_on_cpu.store(false, std::memory_order_release);
    if (has_ended)
        hand_to_reaper(*previous);
}

void make_ready(Thread& thread) {
    auto const state = arch::disable_interrupts();
    // Whoever waited has earned its full priority again.
    thread.effective_priority = thread.base_priority;
    auto const target = choose_cpu(thread);
    if (trace::is_on(abi::TraceGroups::scheduling)) [[unlikely]]
        trace::record_wake(thread, target);
    {
        auto& queue = run_queues[target];
        LockGuard guard(queue.lock);
        push_locked(queue, thread, false);
    }
    auto& cpu = arch::this_cpu();
    auto& other = arch::cpu(target);
    auto const* running = other.current;
    bool const is_urgent =
        running == nullptr || running->is_idle || running->effective_priority < thread.effective_priority;
    if (target == cpu.index) {
        if (is_urgent)
            cpu.needs_reschedule = 1;
        else
            arm_slice(cpu);
    } else if (is_urgent || other.armed_ticks > other.slice_end_ticks) {
        // A CPU that runs one thread alone has no timer set for its slice; it must start counting it now.
        if (is_urgent)
            other.needs_reschedule = 1;
        arch::interrupt_cpu(target);
    }
    arch::restore_interrupts(state);
}

void switch_away() {
    auto& cpu = arch::this_cpu();
    cpu.needs_reschedule = 0;
    change_to(cpu, pick(cpu));
}

void switch_to(Thread& next) {
    auto& cpu = arch::this_cpu();
    if (!may_run_on(next, cpu.index)) {
        make_ready(next);
        switch_away();
    } else {
        next.effective_priority = next.base_priority;
        change_to(cpu, next);
    }
}

void yield() {
    auto const state = arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    cpu.needs_reschedule = 0;
    // Whoever yields in a loop waits for somebody who may have sunk; it must come down to that level itself.
    sink(*cpu.current);
    requeue_current(cpu, true);
    change_to(cpu, pick(cpu));
    arch::restore_interrupts(state);
}

void exit_thread() {
    (void)arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    cpu.current->has_ended = true;
    change_to(cpu, pick(cpu));
    __builtin_unreachable();
}

void reschedule_if_needed() {
    auto& cpu = arch::this_cpu();
    if (cpu.needs_reschedule == 0)
        return;
    cpu.needs_reschedule = 0;
    auto& thread = *cpu.current;
    auto const now = arch::timestamp();
    bool const slice_is_over = now >= cpu.slice_end_ticks;
    if (slice_is_over)
        sink(thread);
    requeue_current(cpu, slice_is_over);
    change_to(cpu, pick(cpu));
}

void register_cpu(Thread& idle_thread) {
    auto& cpu = arch::this_cpu();
    idle_thread.is_idle = true;
    idle_thread.is_on_cpu = true;
    idle_thread.base_priority = idle_thread.effective_priority = priority::lowest;
    idle_thread.affinity = std::uint64_t{1} << cpu.index;
    idle_thread.cpu = cpu.index;
    idle_thread.switched_in_ticks = arch::timestamp();
    cpu.idle_thread = cpu.current = &idle_thread;
    cpu.is_online = true;
    online.fetch_or(std::uint64_t{1} << cpu.index, std::memory_order_release);
}

void enter_idle() {
    auto& cpu = arch::this_cpu();
    for (;;) {
        arch::enable_interrupts();
        auto const give_up = arch::timestamp() + clock::ticks_for(idle_poll_ns);
        auto has_work = [&cpu] {
            return cpu.needs_reschedule != 0 || run_queues[cpu.index].length.load(std::memory_order_relaxed) != 0;
        };
        while (!has_work() && arch::timestamp() < give_up) {
            if (!mem::prepare_zeroed_frame())
                arch::pause();
        }
        (void)arch::disable_interrupts();
        // An interrupt may have run other threads since the loop looked, and whoever saw one of those running did not
        // wake this CPU for what it queued. Those who queue something from now on see the idle thread; the fence orders
        // both sides.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!has_work()) {
            auto* stolen = steal(cpu.index);
            if (stolen == nullptr) {
                arch::wait_for_interrupt();
                continue;
            }
            change_to(cpu, *stolen);
            continue;
        }
        cpu.needs_reschedule = 0;
        change_to(cpu, pick(cpu));
    }
}

void arm_timer(TimerNode& timer, MonotonicNs deadline) {
    auto const state = arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    {
        auto& own = timers[cpu.index];
        LockGuard guard(own.lock);
        timer.deadline = deadline;
        timer.cpu = cpu.index;
        own.queue.insert(timer);
    }
    program_timer(cpu, clock::counter_at(deadline));
    arch::restore_interrupts(state);
}

void cancel_timer(TimerNode& timer) {
    auto& owner = timers[timer.cpu];
    {
        LockGuard guard(owner.lock);
        if (timer.is_armed) {
            owner.queue.remove(timer);
            return;
        }
    }
    // Its callback may be running on the other CPU; the timer's memory must stay until that is over.
    while (owner.expiring.load(std::memory_order_acquire) == &timer)
        arch::pause();
}

constexpr unsigned expirations_per_interrupt = 32;
constexpr std::uint64_t pause_between_interrupts_ns = 200'000;

void timer_interrupt() {
    auto& cpu = arch::this_cpu();
    ++cpu.timer_interrupts;
    settle_counts(cpu, *cpu.current);
    cpu.armed_ticks = ~std::uint64_t{0};
    auto& own = timers[cpu.index];
    // However many timers are due, and however short their periods: threads get time between the interrupts.
    auto earliest_next = MonotonicNs{0};
    for (unsigned handled = 0;; ++handled) {
        auto const now = clock::now();
        if (handled == expirations_per_interrupt) [[unlikely]] {
            earliest_next = now + pause_between_interrupts_ns;
            cpu.armed_ticks = ~std::uint64_t{0};  // what was armed in here is overruled
            break;
        }
        TimerNode* due = nullptr;
        {
            LockGuard guard(own.lock);
            due = own.queue.first();
            if (due == nullptr || due->deadline > now)
                break;
            own.queue.remove(*due);
            own.expiring.store(due, std::memory_order_relaxed);
        }
        if (trace::is_on(abi::TraceGroups::timers)) [[unlikely]]
            trace::record_always(abi::trace_timer_expired(due->deadline.value, now.value - due->deadline.value));
        due->expired(*due);
        own.expiring.store(nullptr, std::memory_order_release);
    }
    auto const ticks = arch::timestamp();
    if (run_queues[cpu.index].length.load(std::memory_order_relaxed) != 0) {
        if (ticks >= cpu.slice_end_ticks)
            cpu.needs_reschedule = 1;
        else
            program_timer(cpu, cpu.slice_end_ticks);
    }
    LockGuard guard(own.lock);
    if (auto* next = own.queue.first(); next != nullptr)
        program_timer(cpu, clock::counter_at(std::max(next->deadline, earliest_next)));
}

void reschedule_interrupt() {
    auto& cpu = arch::this_cpu();
    if (run_queues[cpu.index].length.load(std::memory_order_relaxed) != 0) {
        if (arch::timestamp() >= cpu.slice_end_ticks)
            cpu.needs_reschedule = 1;
        arm_slice(cpu);
    }
}

void set_priority(Thread& thread, std::uint8_t level) {
    // Takes effect when the thread is queued next; a thread in a queue keeps its place until it has run.
    thread.base_priority = level;
}

void set_affinity(Thread& thread, std::uint64_t mask) {
    thread.affinity.store(mask, std::memory_order_relaxed);
    auto const cpu = thread.cpu.load(std::memory_order_relaxed);
    if (((mask >> cpu) & 1) == 0)
        interrupt_if_running(thread);
}

std::uint64_t online_mask() {
    return online.load(std::memory_order_relaxed);
}

void interrupt_if_running(Thread& thread) {
    auto const cpu = thread.cpu.load(std::memory_order_relaxed);
    if (arch::cpu(cpu).current == &thread && cpu != arch::cpu_index())
        arch::interrupt_cpu(cpu);
}

}  // namespace astrata::kernel::sched

namespace astrata::kernel {

void preempt_now() {
    auto const state = arch::disable_interrupts();
    sched::reschedule_if_needed();
    arch::restore_interrupts(state);
}

}  // namespace astrata::kernel
