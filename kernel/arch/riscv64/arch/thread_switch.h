// The scheduler's switch from one thread to another.
#pragma once

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/thread_state.h"
#include "kernel/sched/thread.h"

extern "C" void switch_stacks(std::uint64_t* save_here, std::uint64_t continue_with);  // restricted_entry.S

namespace astrata::kernel::arch {

/// Switches from the running thread to another; returns when the first runs again. Interrupts are off. The outgoing
/// thread's foreign state is stored, the incoming one's loaded, address space included. `stack_of_from` is where the
/// stack that is left is kept.
[[gnu::always_inline]] inline void switch_threads(PerCpu& cpu, Thread& from, Thread& to, std::uint64_t& stack_of_from) {
    if (from.is_user()) {
        from.arch.restricted = cpu.restricted;
        from.arch.restricted_return = cpu.restricted_return;
        from.arch.trap_stack = cpu.trap_stack;
    }
    if (to.is_user()) {
        cpu.restricted = to.arch.restricted;
        cpu.restricted_return = to.arch.restricted_return;
        cpu.kernel_stack = to.arch.stack_top;
        cpu.trap_stack = to.arch.trap_stack;
        bool const is_there = cpu.entered.space.load(std::memory_order_relaxed) == to.native_space() &&
                              cpu.is_space_borrowed && to.arch.restricted == nullptr &&
                              cpu.active_root == cpu.full_root;
        if (!is_there)
            activate_space(to);
    } else {
        keep_space(cpu);
    }
    if ((from.arch.vector_area.size() | to.arch.vector_area.size()) != 0)
        exchange_foreign_state(from, to);
    switch_stacks(&stack_of_from, to.arch.stack_pointer);
}

}  // namespace astrata::kernel::arch
