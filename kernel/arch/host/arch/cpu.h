// The machine as unit tests on the host see it: no interrupts, no preemption. A test may have other CPUs: it is told
// wherever one of them may come between.
#pragma once

#include <cstddef>
#include <cstdint>

namespace astrata::kernel {

class Thread;

namespace arch {

/// Called where something shared is about to be looked at or was just changed; others may run meanwhile.
inline void (*host_come_between)() = nullptr;
/// Called where this CPU waits for another one, which must run meanwhile.
inline void (*host_let_others_run)() = nullptr;
inline void come_between() {
    if (host_come_between != nullptr)
        host_come_between();
}

struct InterruptState {
    bool were_enabled = false;
};
inline InterruptState disable_interrupts() { return {}; }
inline void restore_interrupts(InterruptState) {}
inline void enable_interrupts() {}
inline void forbid_interrupts() {}
inline void disable_preemption() { come_between(); }
inline void enable_preemption() {}
inline void release_preemption() { come_between(); }
inline void note_lock_taken(std::uint8_t) { come_between(); }
inline void note_lock_released(std::uint8_t) { come_between(); }
inline void pause() {
    if (host_let_others_run != nullptr)
        host_let_others_run();
}
[[nodiscard]] inline bool needs_reschedule() { return false; }

struct PerCpu {
    std::uint64_t ipc_calls = 0;
};
template <std::size_t>
inline void count_event() {}

/// A test that plays several CPUs gives each of its threads another number.
inline thread_local std::uint32_t host_cpu_index = 0;
inline std::uint32_t cpu_index() {
    return host_cpu_index;
}
/// The kernel thread that the test has running.
inline Thread* host_current_thread = nullptr;
inline Thread& current_thread() {
    return *host_current_thread;
}

}  // namespace arch
}  // namespace astrata::kernel
