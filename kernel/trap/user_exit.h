// The last stop before user mode.
#pragma once

#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

/// Switches if it is time, ends a killed thread, hands a kicked one back to its personality. Returns with interrupts off.
void settle_before_user_mode(arch::TrapFrame& frame);

/// The same, short when there is nothing to do.
inline void leave_to_user(arch::TrapFrame& frame) {
    arch::forbid_interrupts();
    if (arch::needs_reschedule() || arch::current_thread().has_pending()) [[unlikely]]
        settle_before_user_mode(frame);
}

/// To native code in the kernel's half, with interrupts on: one that comes too late for this look settles things itself.
inline void leave_to_hosted(arch::TrapFrame& frame) {
    if (arch::needs_reschedule() || arch::current_thread().has_pending()) [[unlikely]] {
        settle_before_user_mode(frame);
        arch::enable_interrupts();
    }
}

}  // namespace astrata::kernel
