// From one parked thread to another, without the scheduler: what switch_threads does, less what cannot be the case
// here. Both threads are in a message call of native code, so neither has foreign code's registers or a kernel stack in
// use.
#pragma once

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/thread_state.h"
#include "arch/thread_switch.h"
#include "arch/trap_frame.h"
#include "kernel/ipc/processors.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

/// Of the functions of the fast path, whose callers have stored every register: the compiler has no such convention
/// here.
#define ASTRATA_PRESERVES_NOTHING

namespace astrata::kernel::arch {

[[nodiscard, gnu::always_inline]] inline bool can_switch_directly() {
    return true;
}

/// `next` is current from here on, and has the rest of the time slice.
template <Processors processors>
[[gnu::always_inline]] inline void donate_processor(PerCpu& cpu, Thread& self, Thread& next) {
    auto const now = timestamp();
    auto const used = now - self.switched_in_ticks;
    next.switched_in_ticks = now;
    add(self.run_ticks, used);
    self.silo_run_ticks->fetch_add(used, std::memory_order_relaxed);
    next.is_on_cpu.store(true, std::memory_order_relaxed);
    if constexpr (processors == Processors::several)
        next.cpu.store(cpu.index, std::memory_order_relaxed);
    add(next.switches, 1);
    ++cpu.switches;
    cpu.current = &next;
    self.arch.stack_pointer = self.arch.parked_stack_pointer;
}

/// The calling thread is parked and `next`, which was parked, is current. The caller's kernel stack stays in use until
/// the entry code leaves it. Interrupts are off.
template <Processors processors>
[[gnu::always_inline]] inline void switch_directly(PerCpu& cpu, Thread& self, Thread& next) {
    donate_processor<processors>(cpu, self, next);
    cpu.kernel_stack = next.arch.stack_top;
    enter_space<processors>(cpu, *next.native_space());
    if ((self.arch.vector_area.size() | next.arch.vector_area.size()) != 0) [[unlikely]]
        exchange_foreign_state(self, next);
}

/// The calling thread is parked; `next`, which waited on its kernel stack, goes on there. Interrupts are off.
template <Processors processors>
[[noreturn]] inline void switch_to_stack(PerCpu& cpu, Thread& self, Thread& next) {
    donate_processor<processors>(cpu, self, next);
    cpu.switched_from = &self;
    // Nobody comes back to where this is called from.
    std::uint64_t left_at = 0;
    switch_threads(cpu, self, next, left_at);
    __builtin_unreachable();
}

}  // namespace astrata::kernel::arch
