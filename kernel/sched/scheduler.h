// Which thread runs where. Each CPU has a queue of ready threads: 32 levels, the upper eight real time (FIFO within a level),
// the rest a multi-level feedback band in which a thread that uses up its slice sinks and one that waited comes back up.
#pragma once

#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel {

class Thread;
struct TimerNode;

namespace sched {

inline constexpr std::uint32_t cpu_limit = 64;

/// The calling CPU takes part from now on; what it runs at present becomes its idle thread.
void register_cpu(Thread& idle_thread);
/// The idle thread's loop.
[[noreturn]] void enter_idle();

/// A thread that was woken (or created) may run from now on. From any context.
void make_ready(Thread& thread);
/// Gives the CPU to whoever is most urgent; the current thread has announced a wait or has ended. Interrupts are off.
void switch_away();
/// The same, but to `next` in particular, which the caller woke; falls back to the queues if `next` may not run here.
void switch_to(Thread& next);
/// Lets others of the same priority run.
void yield();
[[noreturn]] void exit_thread();
/// First thing on the stack that was switched to, interrupts off: the former thread may be resumed elsewhere from now on.
void finish_switch();
/// Before returning to user mode with interrupts off: preempt if it is time.
void reschedule_if_needed();

/// Arms a timer on this CPU; cancel from any CPU. `expired` may run until cancel returns.
void arm_timer(TimerNode& timer, MonotonicNs deadline);
void cancel_timer(TimerNode& timer);
/// The local timer's interrupt.
void timer_interrupt();
/// A reschedule interrupt from another CPU.
void reschedule_interrupt();

void set_priority(Thread& thread, std::uint8_t level);
void set_affinity(Thread& thread, std::uint64_t mask);
[[nodiscard]] std::uint64_t online_mask();
/// If the thread runs on another CPU right now, interrupts that.
void interrupt_if_running(Thread& thread);

}  // namespace sched
}  // namespace astrata::kernel
