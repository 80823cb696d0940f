// The aarch64 instructions that the rest of the kernel needs by name.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arch/per_cpu.h"
#include "arch/trap_frame.h"

namespace astrata::kernel {

/// Gives up the CPU because something more urgent became ready while preemption was off (sched/scheduler.cc).
void preempt_now();
/// Debug builds: complains when a lock is taken out of order (sync/lock_check.cc).
void check_lock_order(std::uint64_t held_ranks, std::uint8_t rank);

namespace arch {

#define ASTRATA_READ_REGISTER(name)                                 \
    ({                                                              \
        std::uint64_t read_value;                                   \
        asm volatile("mrs %0, " name : "=r"(read_value)::"memory"); \
        read_value;                                                 \
    })
#define ASTRATA_WRITE_REGISTER(name, value) \
    asm volatile("msr " name ", %0" ::"r"(static_cast<std::uint64_t>(value)) : "memory")

/// What was written to a system register holds from the next instruction on.
inline void synchronize_context() {
    asm volatile("isb" ::: "memory");
}

struct InterruptState {
    std::uint64_t flags = 0;  // DAIF
};

/// For code that knows they are on, or does not care whether they were.
inline void forbid_interrupts() {
    asm volatile("msr daifset, #2" ::: "memory");
}
inline InterruptState disable_interrupts() {
    InterruptState const state{ASTRATA_READ_REGISTER("daif")};
    forbid_interrupts();
    return state;
}
inline void enable_interrupts() {
    asm volatile("msr daifclr, #2" ::: "memory");
}
inline void restore_interrupts(InterruptState state) {
    if ((state.flags & pstate_interrupts_off) == 0)
        enable_interrupts();
}
[[nodiscard]] inline bool are_interrupts_enabled() {
    return (ASTRATA_READ_REGISTER("daif") & pstate_interrupts_off) == 0;
}

/// This CPU's data. The address stays right only while preemption is off.
inline PerCpu& this_cpu() {
    PerCpu* cpu;
    asm volatile("mov %0, x18" : "=r"(cpu));
    return *cpu;
}
/// Never changes under the running thread's feet, so the compiler may keep it. One load, so that a move to another CPU
/// does not come between.
inline Thread& current_thread() {
    Thread* thread;
    asm("ldr %0, [x18, #32]" : "=r"(thread));
    return *thread;
}

static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
/// For counters that only their owner changes.
[[gnu::always_inline]] inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}
/// Adds one to a counter of this CPU, whichever that is at the moment: a move to another one, like every exception,
/// ends the exclusive access (Arm ARM, section B2.12).
template <std::size_t offset>
inline void count_event() {
    std::uint64_t address;
    std::uint64_t value;
    std::uint32_t has_failed;
    asm volatile("1:\n\t"
                 "add %0, x18, %3\n\t"
                 "ldxr %1, [%0]\n\t"
                 "add %1, %1, #1\n\t"
                 "stxr %w2, %1, [%0]\n\t"
                 "cbnz %w2, 1b"
                 : "=&r"(address), "=&r"(value), "=&r"(has_failed)
                 : "i"(offset)
                 : "memory");
}

[[nodiscard]] inline bool needs_reschedule() {
    std::uint32_t value;
    asm volatile("ldr %w0, [x18, #44]" : "=r"(value)::"memory");
    return value != 0;
}
// A thread that is preempted between load and store, and moved, finds the same depth on the other CPU: none, or it
// would not have been.
inline void disable_preemption() {
    std::uint32_t depth;
    asm volatile("ldr %w0, [x18, #40]\n\t"
                 "add %w0, %w0, #1\n\t"
                 "str %w0, [x18, #40]"
                 : "=&r"(depth)::"memory");
}
[[gnu::always_inline]] inline std::uint32_t lower_preemption_depth() {
    std::uint32_t depth;
    asm volatile("ldr %w0, [x18, #40]\n\t"
                 "sub %w0, %w0, #1\n\t"
                 "str %w0, [x18, #40]"
                 : "=&r"(depth)::"memory");
    return depth;
}
/// The counterpart of disable_preemption for a thread that is about to switch away: nobody preempts it any more.
inline void release_preemption() {
    (void)lower_preemption_depth();
}
inline void enable_preemption() {
    if (lower_preemption_depth() == 0) {
        if (needs_reschedule() && are_interrupts_enabled()) [[unlikely]]
            preempt_now();
    }
}

#ifdef ASTRATA_CHECK_LOCKS
inline void note_lock_taken(std::uint8_t rank) {
    auto& cpu = this_cpu();
    check_lock_order(cpu.held_ranks, rank);
    cpu.held_ranks |= std::uint64_t{1} << rank;
}
inline void note_lock_released(std::uint8_t rank) {
    this_cpu().held_ranks &= ~(std::uint64_t{1} << rank);
}
/// For an interrupt: what the interrupted code holds (with interrupts on) has no order relative to what the handler
/// takes, for a lock that handlers take is never among it.
class HeldLocksAside {
public:
    HeldLocksAside() : held_ranks_(this_cpu().held_ranks) { this_cpu().held_ranks = 0; }
    ~HeldLocksAside() { this_cpu().held_ranks = held_ranks_; }
    HeldLocksAside(HeldLocksAside const&) = delete;
    HeldLocksAside& operator=(HeldLocksAside const&) = delete;

private:
    std::uint64_t held_ranks_;
};
#else
struct HeldLocksAside {
    HeldLocksAside() {}
};
inline void note_lock_taken(std::uint8_t) {}
inline void note_lock_released(std::uint8_t) {}
#endif

inline void pause() {
    asm volatile("yield" ::: "memory");
}
/// The virtual counter (CNTVCT_EL0), the same on all CPUs.
[[nodiscard]] inline std::uint64_t timestamp() {
    return ASTRATA_READ_REGISTER("cntvct_el0");
}
/// Sleeps until an interrupt, which wakes the processor though it is not taken yet; enables interrupts then, so that
/// none is missed in between.
inline void wait_for_interrupt() {
    asm volatile("dsb sy\n\twfi\n\tmsr daifclr, #2" ::: "memory");
}
[[noreturn]] inline void halt_forever() {
    for (;;)
        asm volatile("msr daifset, #15\n\twfi");
}

[[nodiscard]] inline std::uint32_t cpu_index() {
    return this_cpu().index;
}

}  // namespace arch
}  // namespace astrata::kernel
