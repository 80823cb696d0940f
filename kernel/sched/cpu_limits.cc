#include "kernel/sched/cpu_limits.h"

#include <algorithm>

#include "arch/cpu.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/mem/tlb.h"
#include "kernel/object/process.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/timers.h"
#include "kernel/time/clock.h"

namespace astrata::kernel::cpu_limits {

constinit std::atomic<bool> are_on = false;
constinit std::atomic<std::uint32_t> exhausted_silos = 0;

namespace {

constexpr std::uint64_t ns_per_us = 1000;
constexpr std::uint64_t interval_ns = 3'000'000;
// So many threads go on in one interrupt; the rest soon after.
constexpr unsigned wakes_per_interrupt = 32;
constexpr std::uint64_t next_wakes_ns = 200'000;

struct State {
    SpinLock<LockRank::cpu_limits, IrqsOff> lock;
    IntrusiveList<Silo, &Silo::cpu_link> silos GUARDED_BY(lock);  // parents before children
    std::uint32_t silos_with_quota GUARDED_BY(lock) = 0;
    std::uint32_t silos_with_weight GUARDED_BY(lock) = 0;
    std::atomic<std::uint64_t> next_round = 0;
};
constinit State state;

struct Ticks {
    std::uint64_t interval = 0;
    CpuWeight::Rules rules{};
};
Ticks const& ticks() {
    static constinit Ticks computed;
    if (computed.interval == 0) [[unlikely]]
        computed = {.interval = clock::ticks_for(interval_ns),
                    .rules = {.tolerance = clock::ticks_for(interval_ns),
                              .memory = clock::ticks_for(1'000'000'000),
                              .idle_rounds = 16}};
    return computed;
}

void note_exhausted(Silo& silo, bool is_exhausted) {
    silo.cpu.is_exhausted.store(is_exhausted, std::memory_order_relaxed);
    auto const change = is_exhausted ? 1U : ~0U;
    close_fast_path(FastPathCloser::cpu_limits,
                    exhausted_silos.fetch_add(change, std::memory_order_relaxed) + change != 0);
}

void start_timer(Silo& silo, MonotonicNs deadline) {
    if (!silo.cpu.is_armed)
        sched::arm_timer(silo.cpu, deadline);
}

MonotonicNs time_of(std::uint64_t ticks_ahead) {
    return clock::now() + clock::ns_from_ticks(ticks_ahead);
}

// Ends or begins the silo's pause as its quota says.
void judge_quota(Silo& silo, std::uint64_t now) REQUIRES(state.lock) {
    auto& cpu = silo.cpu;
    cpu.quota.refill(now);
    bool const was_exhausted = cpu.is_exhausted.load(std::memory_order_relaxed);
    bool const is_exhausted = cpu.quota.is_exhausted();
    if (is_exhausted && !was_exhausted) {
        ++cpu.times_exhausted;
        cpu.exhausted_since = now;
        note_exhausted(silo, true);
    } else if (!is_exhausted && was_exhausted) {
        cpu.exhausted_ticks += now - cpu.exhausted_since;
        note_exhausted(silo, false);
    }
    if (is_exhausted)
        start_timer(silo, time_of(cpu.quota.period_end() - now));
}

// Threads that wait for the silo's next period go on, as many as one interrupt may wake.
void wake_some(Silo& silo) REQUIRES(state.lock) {
    for (unsigned woken = 0; woken < wakes_per_interrupt; ++woken) {
        auto* const thread = silo.cpu.paused.pop_woken();
        if (thread == nullptr)
            return;
        sched::make_ready(*thread);
    }
    start_timer(silo, clock::now() + next_wakes_ns);
}

void pass_on_used_time() REQUIRES(state.lock) {
    for (auto& silo : state.silos) {
        auto const used = silo.run_ticks.load(std::memory_order_relaxed);
        auto const ticks_since = used - silo.cpu.passed_on;
        if (ticks_since == 0)
            continue;
        silo.cpu.passed_on = used;
        for (auto* each = &silo; !each->is_root(); each = each->parent()) {
            each->cpu.quota.charge(ticks_since);
            each->cpu.weight.charge(ticks_since);
        }
    }
}

void compare_weights() REQUIRES(state.lock) {
    auto const& rules = ticks().rules;
    constexpr auto nobody = ~std::uint64_t{0};
    for (auto& silo : state.silos)
        silo.cpu.least_below = silo.parent()->cpu.least_below = nobody;
    for (auto& silo : state.silos) {
        auto& parent = silo.parent()->cpu;
        if (silo.cpu.weight.advance(parent.slowest_child, rules))
            parent.least_below = std::min(parent.least_below, silo.cpu.weight.clock());
    }
    for (auto& silo : state.silos) {
        auto& parent = silo.parent()->cpu;
        if (parent.least_below != nobody)
            parent.slowest_child = parent.least_below;
        silo.cpu.is_over_share.store(parent.is_over_share.load(std::memory_order_relaxed) ||
                                         silo.cpu.weight.is_ahead(parent.slowest_child, rules),
                                     std::memory_order_relaxed);
    }
}

void switch_on_or_off() REQUIRES(state.lock) {
    bool const is_needed = state.silos_with_quota != 0 || state.silos_with_weight != 0;
    if (state.silos_with_weight == 0) {
        for (auto& silo : state.silos)
            silo.cpu.is_over_share.store(false, std::memory_order_relaxed);
    }
    if (is_needed && !are_on.load(std::memory_order_relaxed)) {
        // Time that was used while nobody counted is nobody's.
        for (auto& silo : state.silos)
            silo.cpu.passed_on = silo.run_ticks.load(std::memory_order_relaxed);
    }
    are_on.store(is_needed, std::memory_order_relaxed);
}

Silo* exhausted_silo_of(Silo& silo) {
    for (auto* each = &silo; each != nullptr; each = each->parent()) {
        if (each->cpu.is_exhausted.load(std::memory_order_relaxed))
            return each;
    }
    return nullptr;
}

void period_has_ended(TimerNode& timer) {
    auto& silo = static_cast<SiloCpu&>(timer).silo;
    LockGuard guard(state.lock);
    judge_quota(silo, arch::timestamp());
    if (!silo.cpu.is_exhausted.load(std::memory_order_relaxed))
        wake_some(silo);
}

Result<> check(Settings const& settings) {
    bool const has_quota = settings.quota_us != 0 && settings.quota_us != unlimited_us;
    if (settings.weight > CpuWeight::limit)
        return fail(Error::out_of_range);
    if (settings.period_us != 0 && (settings.period_us < shortest_period_us || settings.period_us > longest_period_us))
        return fail(Error::out_of_range);
    if (has_quota && (settings.quota_us < smallest_quota_us || settings.quota_us > longest_period_us * cpu_limit))
        return fail(Error::out_of_range);
    return {};
}

}  // namespace

Result<> set(Silo& silo, Settings const& settings) {
    if (silo.is_root())
        return fail(Error::not_supported);
    TRY(check(settings));
    auto& cpu = silo.cpu;
    LockGuard guard(state.lock);
    if (settings.weight != 0) {
        state.silos_with_weight -= cpu.weight.weight() != CpuWeight::standard ? 1 : 0;
        cpu.weight.set(settings.weight);
        state.silos_with_weight += cpu.weight.weight() != CpuWeight::standard ? 1 : 0;
    }
    if (settings.quota_us != 0 || settings.period_us != 0) {
        state.silos_with_quota -= cpu.quota.is_set() ? 1 : 0;
        if (settings.quota_us != 0)
            cpu.quota_us = settings.quota_us == unlimited_us ? 0 : settings.quota_us;
        if (settings.period_us != 0)
            cpu.period_us = settings.period_us;
        auto const now = arch::timestamp();
        cpu.quota.set(clock::ticks_for(cpu.quota_us * ns_per_us), clock::ticks_for(cpu.period_us * ns_per_us), now);
        state.silos_with_quota += cpu.quota.is_set() ? 1 : 0;
        judge_quota(silo, now);
        wake_some(silo);
    }
    switch_on_or_off();
    return {};
}

void add(Silo& silo) {
    if (silo.is_root())
        return;
    LockGuard guard(state.lock);
    state.silos.push_back(silo);
}

void remove(Silo& silo) {
    if (silo.is_root())
        return;
    {
        LockGuard guard(state.lock);
        if (!state.silos.is_linked(silo))
            return;
        state.silos.remove(silo);
        state.silos_with_quota -= silo.cpu.quota.is_set() ? 1 : 0;
        state.silos_with_weight -= silo.cpu.weight.weight() != CpuWeight::standard ? 1 : 0;
        silo.cpu.quota = {};
        if (silo.cpu.is_exhausted.load(std::memory_order_relaxed))
            note_exhausted(silo, false);
        switch_on_or_off();
    }
    // With its quota gone the timer is not armed again.
    sched::cancel_timer(silo.cpu);
}

void tick(std::uint64_t now) {
    if (now < state.next_round.load(std::memory_order_relaxed))
        return;
    LockGuard guard(state.lock);
    if (now < state.next_round.load(std::memory_order_relaxed))
        return;
    state.next_round.store(now + ticks().interval, std::memory_order_relaxed);
    pass_on_used_time();
    if (state.silos_with_quota != 0) {
        for (auto& silo : state.silos) {
            if (!silo.cpu.quota.is_set())
                continue;
            bool const was_exhausted = silo.cpu.is_exhausted.load(std::memory_order_relaxed);
            judge_quota(silo, now);
            if (was_exhausted && !silo.cpu.is_exhausted.load(std::memory_order_relaxed))
                wake_some(silo);
        }
    }
    if (state.silos_with_weight != 0)
        compare_weights();
}

bool has_no_time(Thread const& thread) {
    // Who is to end does so at once.
    return exhausted_silos.load(std::memory_order_relaxed) != 0 && thread.is_user() && !thread.is_kill_pending() &&
           exhausted_silo_of(thread.process().silo()) != nullptr;
}

void wait_for_time(Thread& thread) {
    Silo* place = nullptr;
    {
        LockGuard guard(state.lock);
        place = exhausted_silo_of(thread.process().silo());
        if (place == nullptr)
            return;
        // A kick must not let it go on: whoever kicks a thread could give it time so.
        thread.prepare_to_wait(EndsWait::nothing);
        place->cpu.paused.push(thread);
    }
    if (thread.is_kill_pending())
        stop_waiting(thread);
    (void)thread.block(never);
}

void stop_waiting(Thread& thread) {
    if (!thread.is_user() || exhausted_silos.load(std::memory_order_seq_cst) == 0)
        return;
    LockGuard guard(state.lock);
    for (auto* silo = &thread.process().silo(); silo != nullptr; silo = silo->parent()) {
        if (!silo->cpu.paused.contains(thread))
            continue;
        silo->cpu.paused.remove(thread);
        if (thread.try_wake(wake_normal))
            sched::make_ready(thread);
        return;
    }
}

}  // namespace astrata::kernel::cpu_limits

namespace astrata::kernel {

SiloCpu::SiloCpu(Silo& of) : TimerNode(cpu_limits::period_has_ended), silo(of) {}

}  // namespace astrata::kernel
