// The machine as unit tests on the host see it: no interrupts, one thread.
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

}  // namespace astrata::kernel::arch
