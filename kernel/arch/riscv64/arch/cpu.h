// The RISC-V instructions that the rest of the kernel needs by name.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arch/per_cpu.h"
#include "kernel/arch/riscv64/registers.h"

namespace astrata::kernel {

/// Gives up the CPU because something more urgent became ready while preemption was off (sched/scheduler.cc).
void preempt_now();
/// Debug builds: complains when a lock is taken out of order (sync/lock_check.cc).
void check_lock_order(std::uint64_t held_ranks, std::uint8_t rank);

namespace arch {

struct InterruptState {
    std::uint64_t status = 0;
};

inline InterruptState disable_interrupts() {
    InterruptState state;
    asm volatile("csrrci %0, sstatus, 2" : "=r"(state.status)::"memory");
    return state;
}
/// For code that knows they are on, or does not care whether they were.
inline void forbid_interrupts() {
    asm volatile("csrci sstatus, 2" ::: "memory");
}
inline void enable_interrupts() {
    asm volatile("csrsi sstatus, 2" ::: "memory");
}
inline void restore_interrupts(InterruptState state) {
    if ((state.status & status_interrupts) != 0)
        enable_interrupts();
}
[[nodiscard]] inline bool are_interrupts_enabled() {
    return (read_csr<Csr::sstatus>() & status_interrupts) != 0;
}

/// This CPU's data. The address stays right only while preemption is off.
inline PerCpu& this_cpu() {
    PerCpu* cpu;
    asm volatile("mv %0, tp" : "=r"(cpu));
    return *cpu;
}
/// Never changes under the running thread's feet, so the compiler may keep it.
inline Thread& current_thread() {
    Thread* thread;
    asm("ld %0, 32(tp)" : "=r"(thread));
    return *thread;
}

/// For counters that only their owner changes.
[[gnu::always_inline]] inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.fetch_add(amount, std::memory_order_relaxed);
}
/// Adds one to a counter of this CPU, or of the one that the thread was on a moment ago: atomic for that.
template <std::size_t offset>
inline void count_event() {
    std::uint64_t place;
    asm volatile("addi %0, tp, %1\n\tamoadd.d zero, %2, (%0)"
                 : "=&r"(place)
                 : "i"(offset), "r"(std::uint64_t{1})
                 : "memory");
}

[[nodiscard]] inline bool needs_reschedule() {
    std::uint32_t value;
    asm volatile("lw %0, 44(tp)" : "=r"(value)::"memory");
    return value != 0;
}
// Three instructions will do: whoever can be preempted between them finds 0 before as after, on whatever CPU.
inline void disable_preemption() {
    std::uint32_t depth;
    asm volatile("lw %0, 40(tp)\n\taddiw %0, %0, 1\n\tsw %0, 40(tp)" : "=&r"(depth)::"memory");
}
/// The counterpart of disable_preemption for a thread that is about to switch away: nobody preempts it any more.
inline void release_preemption() {
    std::uint32_t depth;
    asm volatile("lw %0, 40(tp)\n\taddiw %0, %0, -1\n\tsw %0, 40(tp)" : "=&r"(depth)::"memory");
}
inline void enable_preemption() {
    std::uint32_t depth;
    asm volatile("lw %0, 40(tp)\n\taddiw %0, %0, -1\n\tsw %0, 40(tp)" : "=&r"(depth)::"memory");
    if (depth == 0) {
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

/// Whether CPUs take turns rather than run at the same time, as QEMU's do when it counts instructions (smp.cc). One
/// that only spins keeps the others waiting then; one that sleeps lets them run.
inline constinit bool do_cpus_take_turns = false;
void let_others_run();
/// Zihintpause, a hint that processors without it ignore.
inline void pause() {
    asm volatile(".4byte 0x0100000f" ::: "memory");
    if (do_cpus_take_turns) [[unlikely]]
        let_others_run();
}
/// The clock's counter, the same on all CPUs.
[[nodiscard]] inline std::uint64_t timestamp() {
    std::uint64_t value;
    asm volatile("rdtime %0" : "=r"(value));
    return value;
}
/// Sleeps until an interrupt, then enables interrupts: one that is pending ends the sleep whether they are enabled or
/// not (section 3.3.3), so that none is missed.
inline void wait_for_interrupt() {
    asm volatile("wfi\n\tcsrsi sstatus, 2" ::: "memory");
}
[[noreturn]] inline void halt_forever() {
    write_csr<Csr::sie>(0);
    for (;;)
        asm volatile("wfi");
}

[[nodiscard]] inline std::uint32_t cpu_index() {
    return this_cpu().index;
}

}  // namespace arch
}  // namespace astrata::kernel
