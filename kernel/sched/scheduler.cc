#include "kernel/sched/scheduler.h"

#include <algorithm>
#include <array>
#include <bit>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/local_timer.h"
#include "arch/smp.h"
#include "arch/thread_switch.h"
#include "kernel/log/print.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/tlb.h"
#include "kernel/object/process.h"
#include "kernel/sched/cpu_limits.h"
#include "kernel/sched/ready_queue.h"
#include "kernel/sched/reaper.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timers.h"
#include "kernel/sync/mutex.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"
#include "kernel/trace/trace.h"

namespace astrata::kernel::sched {

struct RunQueue {
    SpinLock<LockRank::run_queue, IrqsAlreadyOff> lock;
    ReadyQueue<Thread> threads GUARDED_BY(lock);
    std::atomic<std::uint32_t> levels = 0;  // as threads.levels(), read without the lock by those who look for work

    [[nodiscard]] bool has_work() const { return levels.load(std::memory_order_relaxed) != 0; }
    void publish_levels() REQUIRES(lock) { levels.store(threads.levels(), std::memory_order_relaxed); }
};

namespace {

constexpr std::uint64_t slice_ns = 10'000'000;
constexpr std::uint64_t patience_at_the_bottom_ns = 300'000'000;
constexpr std::uint64_t patience_with_real_time_ns = 950'000'000;
// How often a busy CPU looks at quotas and weights, while any silo has some.
constexpr std::uint64_t tick_ns = 4'000'000;
// Of system calls and of page faults each.
constexpr std::uint32_t uncounted_limit = 255;
// An idle CPU looks for work this long before it halts: waking from a halt costs far more than a context switch.
constexpr std::uint64_t idle_poll_ns = 30'000;

// In ticks; every switch needs them. For a counter of 1 GHz until the clock is known.
struct Durations {
    std::uint64_t slice = slice_ns;
    std::uint64_t tick = tick_ns;
    Patience patience{.at_the_bottom = patience_at_the_bottom_ns, .with_real_time = patience_with_real_time_ns};
};
constinit Durations durations;

void measure_durations() {
    durations = {.slice = clock::ticks_for(slice_ns),
                 .tick = clock::ticks_for(tick_ns),
                 .patience = {.at_the_bottom = clock::ticks_for(patience_at_the_bottom_ns),
                              .with_real_time = clock::ticks_for(patience_with_real_time_ns)}};
}

constinit std::array<RunQueue, cpu_limit> run_queues;
constinit std::atomic<std::uint64_t> online = 0;

// Where the thread queues: below the others if its silo has had more than its share.
[[gnu::always_inline]] inline std::uint8_t level_of(Thread const& thread) {
    if (cpu_limits::are_on.load(std::memory_order_relaxed) && thread.is_user() &&
        thread.process().silo().cpu.is_over_share.load(std::memory_order_relaxed))
        return priority::over_share(thread.effective_priority);
    return thread.effective_priority;
}

[[gnu::always_inline]] inline void push(RunQueue& queue, std::uint32_t cpu, Thread& thread, std::uint8_t level,
                                        bool at_front, std::uint64_t now) {
    LockGuard guard(queue.lock);
    thread.queued_on.store(cpu, std::memory_order_relaxed);
    queue.threads.push(thread, level, at_front, now);
    queue.publish_levels();
}

[[gnu::always_inline]] inline void note_taken_locked(RunQueue& queue, Thread& thread) REQUIRES(queue.lock) {
    thread.queued_level = Thread::not_queued;
    queue.publish_levels();
}

[[gnu::always_inline]] inline Thread* pop_next(RunQueue& queue, std::uint64_t now) {
    if (!queue.has_work())
        return nullptr;
    LockGuard guard(queue.lock);
    auto* thread = queue.threads.pop(now, durations.patience);
    if (thread != nullptr)
        note_taken_locked(queue, *thread);
    return thread;
}

// Takes a ready thread out of whichever queue it is in; false if it is in none.
bool take_from_queue(Thread& thread) {
    for (;;) {
        auto const index = thread.queued_on.load(std::memory_order_relaxed);
        auto& queue = run_queues[index];
        LockGuard guard(queue.lock);
        if (thread.queued_on.load(std::memory_order_relaxed) != index)
            continue;
        if (thread.queued_level == Thread::not_queued)
            return false;
        queue.threads.remove(thread);
        note_taken_locked(queue, thread);
        return true;
    }
}

bool may_run_on(Thread const& thread, std::uint32_t cpu) {
    return ((thread.affinity.load(std::memory_order_relaxed) >> cpu) & 1) != 0;
}

// Takes a thread from another CPU's queue, the most urgent that may run here.
Thread* steal(std::uint32_t own) {
    for (auto others = online.load(std::memory_order_relaxed) & ~(std::uint64_t{1} << own); others != 0;
         others &= others - 1) {
        auto& queue = run_queues[static_cast<std::size_t>(std::countr_zero(others))];
        if (!queue.has_work())
            continue;
        LockGuard guard(queue.lock);
        if (auto* thread = queue.threads.pop_if([own](Thread const& each) { return may_run_on(each, own); });
            thread != nullptr) {
            note_taken_locked(queue, *thread);
            return thread;
        }
    }
    return nullptr;
}

[[gnu::noinline]] std::uint32_t choose_among(std::uint64_t allowed, std::uint32_t last) {
    if (allowed == 0)
        return static_cast<std::uint32_t>(std::countr_zero(online.load(std::memory_order_relaxed)));
    auto const last_bit = std::uint64_t{1} << last;
    auto is_idle = [](std::uint32_t cpu) {
        auto const* current = arch::cpu(cpu).current;
        return current != nullptr && current->is_idle && !run_queues[cpu].has_work();
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

[[gnu::always_inline]] inline std::uint32_t choose_cpu(Thread const& thread) {
    auto const allowed = thread.affinity.load(std::memory_order_relaxed) & online.load(std::memory_order_relaxed);
    auto const last = thread.cpu.load(std::memory_order_relaxed);
    return allowed == std::uint64_t{1} << last ? last : choose_among(allowed, last);
}

[[gnu::always_inline]] inline void arm_slice(arch::PerCpu& cpu) {
    // With nobody else waiting the slice may run out unnoticed.
    if (cpu.run_queue->has_work())
        program_timer(cpu, cpu.slice_end_ticks);
}

// For a thread that goes on or begins while there are limits.
[[gnu::noinline]] void apply_limits(arch::PerCpu& cpu, Thread const& next) {
    if (next.is_idle)
        return;
    program_timer(cpu, arch::timestamp() + durations.tick);
    // It stops on its way back to user mode.
    if (cpu_limits::has_no_time(next))
        cpu.needs_reschedule = 1;
}

[[gnu::always_inline]] inline void charge_time(arch::PerCpu& cpu, Thread& thread, std::uint64_t now) {
    auto const ticks = now - thread.switched_in_ticks;
    thread.switched_in_ticks = now;
    // Kernel threads, which belong to no silo, are idle but for the reaper.
    if (auto* const silo = thread.silo_run_ticks; silo != nullptr)
        silo->fetch_add(ticks, std::memory_order_relaxed);
    else if (thread.is_idle)
        cpu.idle_ticks += ticks;
    arch::add(thread.run_ticks, ticks);
}

// What the thread has counted for itself. Interrupts are off.
void settle_counts(arch::PerCpu& cpu, Thread& thread) {
    auto const calls = std::exchange(thread.uncounted_system_calls, 0);
    auto const faults = std::exchange(thread.uncounted_page_faults, 0);
    cpu.system_calls += calls;
    cpu.page_faults += faults;
    if (!thread.is_user())
        return;
    thread.process().silo().system_calls.fetch_add(calls, std::memory_order_relaxed);
    thread.process().silo().page_faults.fetch_add(faults, std::memory_order_relaxed);
}

// For a slice more, or the idle thread instead of one that another CPU is still leaving.
[[gnu::noinline]] void stay(arch::PerCpu& cpu, std::uint64_t now) {
    cpu.slice_end_ticks = now + durations.slice;
    arm_slice(cpu);
    if (cpu_limits::are_on.load(std::memory_order_relaxed)) [[unlikely]]
        apply_limits(cpu, *cpu.current);
}

// The thread's last CPU is still on the way off its stack. To wait for that here, on a stack that is in use itself, would be to wait
// for each other when that CPU is about to run the thread that leaves this one. Nobody waits for the idle thread, which looks again.
[[gnu::cold, gnu::noinline]] Thread& postpone(arch::PerCpu& cpu, Thread& thread, std::uint64_t now) {
    push(*cpu.run_queue, cpu.index, thread, level_of(thread), true, now);
    return *cpu.idle_thread;
}

// Interrupts are off. The outgoing thread is queued already if it wants to run on.
// Budget: 110 instructions between threads of one space (yield_between_threads watches it).
[[gnu::always_inline]] inline void change_to_now(arch::PerCpu& cpu, Thread& chosen, std::uint64_t now) {
    auto& previous = *cpu.current;
    if (&chosen == &previous)
        return stay(cpu, now);
    bool const is_left = !chosen.is_on_cpu.load(std::memory_order_acquire);
    auto& next = is_left ? chosen : postpone(cpu, chosen, now);
    if (!is_left && &next == &previous) [[unlikely]]
        return stay(cpu, now);
    charge_time(cpu, previous, now);
    // Whoever reads the counts sees them late by this much at most.
    if ((previous.uncounted_system_calls | previous.uncounted_page_faults) > uncounted_limit || next.is_idle)
        [[unlikely]]
        settle_counts(cpu, previous);
    if (trace::is_on(abi::TraceGroups::scheduling)) [[unlikely]]
        trace::record_switch(previous, next);
    next.switched_in_ticks = now;
    next.is_on_cpu.store(true, std::memory_order_relaxed);
    next.cpu.store(cpu.index, std::memory_order_relaxed);
    arch::add(next.switches, 1);
    ++cpu.switches;
    cpu.slice_end_ticks = now + durations.slice;
    cpu.switched_from = &previous;
    cpu.current = &next;
    arm_slice(cpu);
    if (cpu_limits::are_on.load(std::memory_order_relaxed)) [[unlikely]]
        apply_limits(cpu, next);
    arch::switch_threads(cpu, previous, next, previous.arch.stack_pointer);
    finish_switch();
}

[[gnu::noinline]] void change_to(arch::PerCpu& cpu, Thread& next, std::uint64_t now) {
    change_to_now(cpu, next, now);
}

// Puts a ready thread into that CPU's queue and tells the CPU if it must do something about it now.
[[gnu::always_inline]] inline void enqueue_here(arch::PerCpu& cpu, Thread& thread, bool at_front, std::uint64_t now) {
    auto const level = level_of(thread);
    push(*cpu.run_queue, cpu.index, thread, level, at_front, now);
    auto const& running = *cpu.current;
    if (running.is_idle || level_of(running) < level)
        cpu.needs_reschedule = 1;
    else
        program_timer(cpu, cpu.slice_end_ticks);
}

[[gnu::noinline]] void enqueue(std::uint32_t target, Thread& thread, bool at_front, std::uint64_t now) {
    auto& cpu = arch::this_cpu();
    if (target == cpu.index)
        return enqueue_here(cpu, thread, at_front, now);
    auto const level = level_of(thread);
    push(run_queues[target], target, thread, level, at_front, now);
    // That CPU may be about to sleep: it says that it is idle before it looks into its queue (enter_idle).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    auto& other = arch::cpu(target);
    auto const* running = other.current;
    bool const is_urgent = running == nullptr || running->is_idle || level_of(*running) < level;
    if (is_urgent || other.armed_ticks > other.slice_end_ticks) {
        // A CPU that runs one thread alone has no timer set for its slice; it must start counting it now.
        if (is_urgent)
            other.needs_reschedule = 1;
        arch::interrupt_cpu(target);
    }
}

// Its CPUs have changed, or went offline and came back, since it queued here.
bool belongs_elsewhere(Thread const& thread, std::uint32_t own) {
    return !may_run_on(thread, own) && (thread.affinity.load(std::memory_order_relaxed) & online_mask()) != 0;
}

[[gnu::always_inline]] inline Thread& pick(arch::PerCpu& cpu, std::uint64_t now) {
    if (cpu.is_leaving.load(std::memory_order_relaxed)) [[unlikely]]
        return *cpu.idle_thread;
    while (auto* own = pop_next(*cpu.run_queue, now)) {
        if (!belongs_elsewhere(*own, cpu.index)) [[likely]]
            return *own;
        enqueue(choose_cpu(*own), *own, false, now);
    }
    if (auto* stolen = steal(cpu.index); stolen != nullptr)
        return *stolen;
    return *cpu.idle_thread;
}

// The current thread stays ready, but others go first: at the back of its level if its slice is over.
[[gnu::always_inline]] inline void requeue_current(arch::PerCpu& cpu, bool slice_is_over, std::uint64_t now) {
    auto& thread = *cpu.current;
    if (thread.is_idle)
        return;
    if (belongs_elsewhere(thread, cpu.index)) [[unlikely]]
        enqueue(choose_cpu(thread), thread, false, now);
    else
        push(*cpu.run_queue, cpu.index, thread, level_of(thread), !slice_is_over, now);
}

// Both at once, which is the common case: the current thread queues, and whoever is most urgent then leaves the queue.
[[gnu::always_inline]] inline Thread& requeue_and_pick(arch::PerCpu& cpu, bool slice_is_over, std::uint64_t now) {
    auto& thread = *cpu.current;
    if (thread.is_idle || belongs_elsewhere(thread, cpu.index) || cpu.is_leaving.load(std::memory_order_relaxed)) [[unlikely]] {
        requeue_current(cpu, slice_is_over, now);
        return pick(cpu, now);
    }
    auto& queue = *cpu.run_queue;
    Thread* next = nullptr;
    {
        LockGuard guard(queue.lock);
        thread.queued_on.store(cpu.index, std::memory_order_relaxed);
        queue.threads.push(thread, level_of(thread), !slice_is_over, now);
        next = queue.threads.pop(now, durations.patience);
        note_taken_locked(queue, *next);
    }
    if (!belongs_elsewhere(*next, cpu.index)) [[likely]]
        return *next;
    enqueue(choose_cpu(*next), *next, false, now);
    return pick(cpu, now);
}

void sink(Thread& thread) {
    thread.effective_priority = priority::sunk(thread.effective_priority, thread.resting_priority);
}

// The CPU that runs the thread looks whether it still should.
void reconsider(Thread const& thread) {
    auto const cpu = thread.cpu.load(std::memory_order_relaxed);
    if (arch::cpu(cpu).current != &thread)
        return;
    arch::cpu(cpu).needs_reschedule = 1;
    if (cpu != arch::cpu_index())
        arch::interrupt_cpu(cpu);
}

// A ready thread takes the place that it would get if it became ready now; one that runs may have to make way.
void queue_anew(Thread& thread) {
    auto const state = arch::disable_interrupts();
    if (take_from_queue(thread))
        enqueue(choose_cpu(thread), thread, false, arch::timestamp());
    else
        reconsider(thread);
    arch::restore_interrupts(state);
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
    thread.effective_priority = thread.resting_priority;
    auto const target = choose_cpu(thread);
    if (trace::is_on(abi::TraceGroups::scheduling)) [[unlikely]]
        trace::record_wake(thread, target);
    auto const now = arch::timestamp();
    if (auto& cpu = arch::this_cpu(); target == cpu.index) [[likely]]
        enqueue_here(cpu, thread, false, now);
    else
        enqueue(target, thread, false, now);
    arch::restore_interrupts(state);
}

void make_ready_or_run(Thread& thread) {
    auto const state = arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    auto& self = *cpu.current;
    thread.effective_priority = thread.resting_priority;
    auto const level = level_of(thread);
    auto const now = arch::timestamp();
    bool const runs_now = level > level_of(self) && cpu.run_queue->levels.load(std::memory_order_relaxed) >> level == 0 &&
                          cpu.needs_reschedule == 0 && now < cpu.slice_end_ticks && choose_cpu(thread) == cpu.index &&
                          !belongs_elsewhere(self, cpu.index) && !trace::is_on(abi::TraceGroups::scheduling);
    if (runs_now) {
        push(*cpu.run_queue, cpu.index, self, level_of(self), true, now);
        change_to(cpu, thread, now);
    } else {
        make_ready(thread);
    }
    arch::restore_interrupts(state);
}

void switch_away() {
    auto& cpu = arch::this_cpu();
    cpu.needs_reschedule = 0;
    auto const now = arch::timestamp();
    change_to_now(cpu, pick(cpu, now), now);
}

void switch_to(Thread& next) {
    auto& cpu = arch::this_cpu();
    if (!may_run_on(next, cpu.index)) {
        make_ready(next);
        switch_away();
    } else {
        next.effective_priority = next.resting_priority;
        change_to(cpu, next, arch::timestamp());
    }
}

void yield() {
    auto const state = arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    cpu.needs_reschedule = 0;
    // Whoever yields in a loop waits for somebody who may have sunk; it must come down to that level itself.
    sink(*cpu.current);
    auto const now = arch::timestamp();
    change_to_now(cpu, requeue_and_pick(cpu, true, now), now);
    arch::restore_interrupts(state);
}

void exit_thread() {
    (void)arch::disable_interrupts();
    auto& cpu = arch::this_cpu();
    cpu.current->has_ended = true;
    settle_counts(cpu, *cpu.current);
    auto const now = arch::timestamp();
    change_to(cpu, pick(cpu, now), now);
    __builtin_unreachable();
}

void reschedule_if_needed() {
    auto& cpu = arch::this_cpu();
    if (cpu.needs_reschedule == 0)
        return;
    cpu.needs_reschedule = 0;
    auto& thread = *cpu.current;
    auto const now = arch::timestamp();
    bool const is_fifo = thread.is_fifo && thread.effective_priority >= priority::first_real_time;
    bool const slice_is_over = now >= cpu.slice_end_ticks && !is_fifo;
    if (slice_is_over)
        sink(thread);
    change_to(cpu, requeue_and_pick(cpu, slice_is_over, now), now);
}

namespace {

// Serialises changes of which CPUs are online.
constinit Mutex<LockRank::cpu_state> cpu_state;

// The CPU's last act, and what it does again whenever an interrupt may have left it something: all goes to the others.
void hand_over_everything(arch::PerCpu& cpu) {
    auto const now = arch::timestamp();
    while (auto* thread = pop_next(run_queues[cpu.index], now))
        enqueue(choose_cpu(*thread), *thread, false, now);
    auto const heir = static_cast<std::uint32_t>(std::countr_zero(online_mask()));
    move_timers(cpu.index, heir);
    arch::cpu(heir).has_new_timers.store(true, std::memory_order_release);
    arch::interrupt_cpu(heir);
    mem::drain_frame_cache();
    cpu.needs_reschedule = 0;
}

// In the idle thread of a CPU that is out of use. It still answers TLB requests that were under way when it left, and
// no others: it uses no memory that changes, and forgets all translations before it comes back.
void stay_offline(arch::PerCpu& cpu) {
    // The interrupt that calls it back must not make it run somebody else's thread before it has come back.
    arch::disable_preemption();
    (void)arch::disable_interrupts();
    arch::leave_space();
    cpu.vector_state_owner = nullptr;
    while (cpu.is_leaving.load(std::memory_order_acquire)) {
        hand_over_everything(cpu);
        cpu.armed_ticks = ~std::uint64_t{0};
        arch::arm_timer(~std::uint64_t{0});
        cpu.is_online.store(false, std::memory_order_release);
        arch::wait_for_interrupt();
        (void)arch::disable_interrupts();
    }
    // From now on it is asked to forget what changes, and what changed before it forgets now.
    online.fetch_or(std::uint64_t{1} << cpu.index, std::memory_order_seq_cst);
    tlb::flush_own();
    cpu.is_online.store(true, std::memory_order_release);
    arch::release_preemption();
}

}  // namespace

void register_cpu(Thread& idle_thread) {
    auto& cpu = arch::this_cpu();
    idle_thread.is_idle = true;
    idle_thread.is_on_cpu = true;
    idle_thread.base_priority = idle_thread.resting_priority = idle_thread.effective_priority = priority::lowest;
    idle_thread.affinity = std::uint64_t{1} << cpu.index;
    idle_thread.cpu = cpu.index;
    idle_thread.switched_in_ticks = arch::timestamp();
    cpu.idle_thread = cpu.current = &idle_thread;
    cpu.run_queue = &run_queues[cpu.index];
    cpu.is_online = true;
    online.fetch_or(std::uint64_t{1} << cpu.index, std::memory_order_release);
}

void enter_idle() {
    auto& cpu = arch::this_cpu();
    if (cpu.index == 0)
        measure_durations();
    for (;;) {
        if (cpu.is_leaving.load(std::memory_order_acquire)) [[unlikely]]
            stay_offline(cpu);
        arch::enable_interrupts();
        auto const give_up = arch::timestamp() + clock::ticks_for(idle_poll_ns);
        auto has_work = [&cpu] {
            return cpu.needs_reschedule != 0 || cpu.is_leaving.load(std::memory_order_relaxed) ||
                   run_queues[cpu.index].has_work();
        };
        while (!has_work() && arch::timestamp() < give_up) {
            if (!mem::prepare_zeroed_frame())
                arch::pause();
        }
        if (!has_work())
            arch::leave_space_when_idle();
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
            change_to(cpu, *stolen, arch::timestamp());
            continue;
        }
        switch_away();
    }
}

void timer_interrupt() {
    auto& cpu = arch::this_cpu();
    ++cpu.timer_interrupts;
    settle_counts(cpu, *cpu.current);
    cpu.armed_ticks = ~std::uint64_t{0};
    expire_timers(cpu);
    auto const ticks = arch::timestamp();
    auto& current = *cpu.current;
    auto& queue = run_queues[cpu.index];
    if (cpu_limits::are_on.load(std::memory_order_relaxed) && !current.is_idle) {
        charge_time(cpu, current, ticks);
        cpu_limits::tick(ticks);
        // Its silo may have had enough, for now or compared with those of the threads that wait.
        if (cpu_limits::has_no_time(current) || queue.levels.load(std::memory_order_relaxed) >> level_of(current) > 1)
            cpu.needs_reschedule = 1;
        program_timer(cpu, ticks + durations.tick);
    }
    if (queue.has_work()) {
        if (ticks >= cpu.slice_end_ticks)
            cpu.needs_reschedule = 1;
        else
            program_timer(cpu, cpu.slice_end_ticks);
    }
    program_first_timer(cpu);
}

void reschedule_interrupt() {
    auto& cpu = arch::this_cpu();
    if (run_queues[cpu.index].has_work()) {
        if (arch::timestamp() >= cpu.slice_end_ticks)
            cpu.needs_reschedule = 1;
        arm_slice(cpu);
    }
    if (cpu.has_new_timers.exchange(false, std::memory_order_acquire))
        program_first_timer(cpu);
}

void set_priority(Thread& thread, std::uint8_t level) {
    thread.base_priority = thread.resting_priority = thread.effective_priority = level;
    queue_anew(thread);
}

void end_lending(Thread& thread) {
    thread.resting_priority = thread.base_priority;
    thread.effective_priority = std::min(thread.effective_priority, thread.base_priority);
}

void set_affinity(Thread& thread, std::uint64_t mask) {
    auto const state = arch::disable_interrupts();
    thread.affinity.store(mask, std::memory_order_relaxed);
    auto const cpu = thread.cpu.load(std::memory_order_relaxed);
    if (belongs_elsewhere(thread, cpu))
        queue_anew(thread);
    arch::restore_interrupts(state);
}

std::uint64_t online_mask() {
    return online.load(std::memory_order_relaxed);
}

void interrupt_if_running(Thread& thread) {
    auto const cpu = thread.cpu.load(std::memory_order_relaxed);
    if (arch::cpu(cpu).current == &thread && cpu != arch::cpu_index())
        arch::interrupt_cpu(cpu);
}

Result<> set_online(std::uint32_t index, bool is_online) {
    constexpr std::uint64_t patience_ns = 10'000'000'000;
    constexpr std::uint64_t look_again_ns = 500'000;
    LockGuard guard(cpu_state);
    if (index >= arch::cpu_count())
        return fail(Error::out_of_range);
    auto& cpu = arch::cpu(index);
    if (cpu.is_online.load(std::memory_order_acquire) == is_online)
        return {};
    if (!is_online && index == 0)
        return fail(std::popcount(online_mask()) == 1 ? Error::bad_state : Error::not_supported);
    if (is_online && !cpu.is_started) {
        TRY(arch::start_cpu(cpu));
    } else {
        auto const state = arch::disable_interrupts();
        if (!is_online)
            online.fetch_and(~(std::uint64_t{1} << index), std::memory_order_seq_cst);
        cpu.is_leaving.store(!is_online, std::memory_order_seq_cst);
        cpu.needs_reschedule = 1;
        if (index != arch::cpu_index())
            arch::interrupt_cpu(index);
        arch::restore_interrupts(state);
    }
    auto& self = arch::current_thread();
    auto const give_up = clock::now() + patience_ns;
    while (cpu.is_online.load(std::memory_order_acquire) != is_online) {
        if (clock::now() >= give_up)
            return fail(Error::timed_out);
        self.prepare_to_wait(EndsWait::nothing);
        (void)self.block(clock::now() + look_again_ns);
    }
    print("CPU ", index, is_online ? " is online" : " is offline");
    return {};
}

}  // namespace astrata::kernel::sched

namespace astrata::kernel {

void preempt_now() {
    auto const state = arch::disable_interrupts();
    sched::reschedule_if_needed();
    arch::restore_interrupts(state);
}

std::uint64_t Thread::used_ticks() {
    for (;;) {
        auto const counted = run_ticks.load(std::memory_order_acquire);
        if (arch::cpu(cpu.load(std::memory_order_relaxed)).current != this)
            return counted;
        auto const since = std::atomic_ref(switched_in_ticks).load(std::memory_order_acquire);
        auto const now = arch::timestamp();
        // Counted meanwhile: the beginning may be that of another stretch.
        if (run_ticks.load(std::memory_order_relaxed) == counted)
            return now > since ? counted + (now - since) : counted;
    }
}

}  // namespace astrata::kernel
