// From one parked thread to another, without the scheduler: what switch_threads does, less what cannot be the case
// here. Both threads are in a message call of native code, so neither has foreign code's registers or a kernel stack in
// use.
#pragma once

#include <atomic>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/thread_state.h"
#include "arch/trap_frame.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel::arch {

inline constinit std::atomic<bool> is_direct_switch_on = false;

/// Off while some silo's time is used up: every switch must ask then.
inline void set_direct_switch(bool is_on) {
    is_direct_switch_on.store(is_on && features.has_fsgsbase, std::memory_order_relaxed);
}
[[nodiscard, gnu::always_inline]] inline bool can_switch_directly() {
    return is_direct_switch_on.load(std::memory_order_relaxed);
}

/// The calling thread is parked and `next`, which was parked, is current. The caller's kernel stack stays in use until
/// the entry code leaves it. Interrupts are off.
[[gnu::always_inline]] inline void switch_directly(PerCpu& cpu, Thread& self, Thread& next) {
    auto const now = timestamp();
    auto const used = now - self.switched_in_ticks;
    next.switched_in_ticks = now;
    self.run_ticks.store(self.run_ticks.load(std::memory_order_relaxed) + used, std::memory_order_relaxed);
    self.process().silo().run_ticks.fetch_add(used, std::memory_order_relaxed);
    next.is_on_cpu.store(true, std::memory_order_relaxed);
    next.cpu.store(cpu.index, std::memory_order_relaxed);
    next.switches.store(next.switches.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    ++cpu.switches;
    // The time slice goes on: it is donated.
    cpu.current = &next;

    std::uint64_t fs;
    std::uint64_t gs;
    asm volatile("rdfsbase %0\n\twrfsbase %2\n\tswapgs\n\trdgsbase %1\n\twrgsbase %3\n\tswapgs"
                 : "=&r"(fs), "=&r"(gs)
                 : "r"(next.arch.fs_base), "r"(next.arch.gs_base)
                 : "memory");
    self.arch.fs_base = fs;
    self.arch.gs_base = gs;
    self.arch.restricted = nullptr;
    self.arch.trap_stack = self.arch.stack_top;
    self.arch.stack_pointer = self.arch.stack_top - parked_stack_bytes;
    cpu.kernel_stack = next.arch.stack_top;
    cpu.tables->task.stacks[0] = next.arch.stack_top;
    enter_space_of(cpu, next);
    if (!self.arch.vector_area.empty() || !next.arch.vector_area.empty()) [[unlikely]]
        exchange_vector_state(self, next);
}

}  // namespace astrata::kernel::arch
