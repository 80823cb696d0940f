// Which thread runs where. Each CPU has a queue of ready threads (ready_queue.h): a real time band, FIFO or in turn within a
// level, above a multi-level feedback band in which a thread that uses up its slice sinks and one that waited comes back
// up, above idle threads.
//
// A CPU whose queue is empty has no tick: its timer is set for timers alone (timers.h).
#pragma once

#include <cstdint>

#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class Thread;

namespace sched {

/// The calling CPU takes part from now on; what it runs at present becomes its idle thread.
void register_cpu(Thread& idle_thread);
/// The idle thread's loop.
[[noreturn]] void enter_idle();

/// A thread that was woken (or created) may run from now on. From any context.
void make_ready(Thread& thread);
/// The same, from a thread that holds no locks: if the one that was woken is more urgent and belongs here, it runs at once.
void make_ready_or_run(Thread& thread);
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

/// The local timer's interrupt.
void timer_interrupt();
/// A reschedule interrupt from another CPU.
void reschedule_interrupt();

/// Takes effect at once, also for a thread that is ready. What was lent to it is over.
void set_priority(Thread& thread, std::uint8_t level);
/// What was lent to the thread, by the callers that it answers, is over.
void end_lending(Thread& thread);

/// The thread runs on CPUs of the mask only, from now on, wherever it is. While none of them is online it may run on any.
void set_affinity(Thread& thread, std::uint64_t mask);
[[nodiscard]] std::uint64_t online_mask();
/// If the thread runs on another CPU right now, interrupts that.
void interrupt_if_running(Thread& thread);

/// Takes a CPU out of use, or back into it. Threads and timers move to others; the CPU halts, and hears interrupts only.
/// Waits until it is done; from threads.
/// errors    out_of_range (no such CPU), bad_state (the last one), not_supported (the boot CPU, which has the devices'
///           interrupts), timed_out
Result<> set_online(std::uint32_t index, bool is_online);

}  // namespace sched
}  // namespace astrata::kernel
