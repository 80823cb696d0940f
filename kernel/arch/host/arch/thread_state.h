// Host tests switch threads by their own means (kernel/ipc/fakes_test.h), if at all.
#pragma once

#include <cstdint>
#include <cstdlib>

#include "arch/trap_frame.h"

namespace astrata::kernel {

class Thread;

namespace arch {

struct RestrictedState;

struct ThreadState {
    std::uint64_t stack_top = 0;
    std::uint64_t trap_stack = 0;
    std::uint64_t parked_stack_pointer = 0;
    mutable TrapFrame frame;
};
inline constexpr std::uint64_t parked_stack_bytes = 0;

[[nodiscard]] inline TrapFrame& system_call_frame(ThreadState const& state) {
    return state.frame;
}
inline void prepare_stack(ThreadState&, void (*)(void*), void*) {}
inline void leave_space() {}
inline void free_vector_area(Thread&) {}
[[noreturn]] inline void enter_user(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
    std::abort();
}
[[noreturn]] inline void begin_hosted(std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t) {
    std::abort();
}
[[noreturn]] inline void continue_on_kernel_stack(ThreadState const&, void (*)(void*), void*) {
    std::abort();
}

}  // namespace arch
}  // namespace astrata::kernel
