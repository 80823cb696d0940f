// The machine as unit tests on the host see it: no interrupts, no preemption.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

struct InterruptState {
    bool were_enabled = false;
};
inline InterruptState disable_interrupts() { return {}; }
inline void restore_interrupts(InterruptState) {}
inline void disable_preemption() {}
inline void enable_preemption() {}
inline void note_lock_taken(std::uint8_t) {}
inline void note_lock_released(std::uint8_t) {}
inline void pause() {}
/// A test that plays several CPUs gives each of its threads another number.
inline thread_local std::uint32_t host_cpu_index = 0;
inline std::uint32_t cpu_index() {
    return host_cpu_index;
}

}  // namespace astrata::kernel::arch
