// Armed timers of each CPU, and its one-shot timer, which is set only while something is to happen.
#pragma once

#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel {

struct TimerNode;

namespace arch {
struct PerCpu;
}

namespace sched {

/// Arms a timer on this CPU; cancel from any CPU. `expired` may run until cancel returns, and may be as late as
/// `slack_ns`, so that one interrupt serves several timers.
void arm_timer(TimerNode& timer, MonotonicNs deadline, std::uint64_t slack_ns = 0);
void cancel_timer(TimerNode& timer);

/// Sets this CPU's local timer to `ticks` unless it goes off earlier anyway. One that fires for nothing is harmless.
void program_timer(arch::PerCpu& cpu, std::uint64_t ticks);
/// In the local timer's interrupt: runs what is due, up to a bound.
void expire_timers(arch::PerCpu& cpu);
/// Interrupts are off: sets the local timer for the earliest armed timer, which may have come from another CPU.
void program_first_timer(arch::PerCpu& cpu);
/// Moves all timers of CPU `from` to CPU `to`, which is to call program_first_timer then.
void move_timers(std::uint32_t from, std::uint32_t to);

}  // namespace sched
}  // namespace astrata::kernel
