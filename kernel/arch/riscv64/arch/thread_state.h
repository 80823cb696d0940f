// What a thread keeps of the machine while it does not run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/types.h"
#include "arch/restricted_state.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class Thread;

namespace arch {

struct PerCpu;
struct TrapFrame;

struct ThreadState {
    std::uint64_t stack_pointer = 0;               // kernel stack, as switch_stacks left it
    std::uint64_t parked_stack_pointer = 0;        // the same for a parked thread, always the same
    std::uint64_t stack_top = 0;                   // where traps and system calls from native code begin
    std::uint64_t trap_stack = 0;                  // PerCpu::trap_stack while this thread runs
    RestrictedState* restricted = nullptr;         // PerCpu::restricted likewise
    std::uint64_t restricted_return = 0;           // PerCpu::restricted_return likewise
    std::span<std::byte> vector_area;              // floating-point state; only threads that run foreign code have one
    std::span<std::byte> vector_staging;           // as large: state on its way in, until it is complete
    std::uint32_t vector_cpu = ~std::uint32_t{0};  // whose registers may still hold the state
};

/// Where the stack pointer of a parked thread lies below the top of its stack: under the trap frame, and what
/// switch_stacks takes off, of which only the way back matters.
inline constexpr std::uint64_t parked_stack_bytes = 288 + 112;

/// The thread has been switched to: what is saved of it becomes what it is of a thread in native code, until it is
/// switched from again.
inline void note_running(ThreadState& state) {
    state.restricted = nullptr;
    state.trap_stack = state.stack_top;
}

/// The frame of the system call that the thread is in, or will be in next: it is always at the same place.
[[nodiscard]] TrapFrame& system_call_frame(ThreadState const& state);

/// Prepares a stack on which the thread begins with function(argument), in the kernel.
void prepare_stack(ThreadState& state, void (*function)(void*), void* argument);

/// The current thread's space becomes the CPU's, in the view that it runs in. Interrupts are off.
void activate_space(Thread& thread);

/// Code in the kernel's half runs in whatever space is there, which must then not go away with the thread that left it.
void keep_space(PerCpu& cpu);

/// For threads with foreign code: floating-point registers. The running thread's use of them is in the CPU's own
/// status, on all ways into the kernel and out of it.
void exchange_foreign_state(Thread& from, Thread& to);

/// This CPU stops using whatever space it has, so that the last reference to it can be dropped in a thread's context.
/// The calling thread stays in the kernel from now on.
void leave_space();
/// The same for the idle thread, which has no time to clean up: a CPU that sleeps keeps nobody's memory.
void leave_space_when_idle();

/// Enters user mode for the first time.
[[noreturn]] void enter_user(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                             std::uint64_t argument2);

/// The same for a thread that is hosted in the kernel.
[[noreturn]] void begin_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0,
                               std::uint64_t argument1, std::uint64_t argument2);

/// Goes on with function(argument) on a kernel stack, leaving whatever stack this is.
[[noreturn]] void continue_on_kernel_stack(ThreadState const& state, void (*function)(void*), void* argument);

/// Allocates the areas for foreign code's floating-point state, initially zeroes, and charges the thread's account.
/// Returns false if memory is short.
[[nodiscard]] bool allocate_vector_area(Thread& thread);
void free_vector_area(Thread& thread);
/// The current thread's floating-point state: f0 to f31, then fcsr in a word of its own.
[[nodiscard]] std::size_t vector_state_size();
void save_vector_state(Thread& thread, std::span<std::byte> into);
void load_vector_state(Thread& thread, std::span<std::byte const> from);

/// Registers of foreign code that are not loaded and stored at every entry and exit: none.
[[nodiscard]] inline Result<> load_segment_bases(RestrictedState const&) {
    return {};
}
inline void save_segment_bases(RestrictedState&) {}

/// Calls handler(argument, reason), which is hosted native code, at each exit of foreign code until it returns 0.
void run_restricted_loop(Thread& thread, std::uint64_t handler, std::uint64_t argument);

/// Runs foreign code from the thread's bound state in its guest space, until it leaves restricted mode. The entry code
/// checks what it loads. `other_view` is the restricted page-table root, `own_view` the full one.
[[nodiscard]] abi::RestrictedExit run_restricted(Thread& thread, std::uint64_t other_view, std::uint64_t own_view);

}  // namespace arch
}  // namespace astrata::kernel
