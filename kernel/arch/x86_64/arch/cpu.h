// The x86_64 instructions that the rest of the kernel needs by name.
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

struct InterruptState {
    std::uint64_t flags = 0;
};

inline InterruptState disable_interrupts() {
    InterruptState state;
    asm volatile("pushfq\n\tpopq %0\n\tcli" : "=r"(state.flags)::"memory");
    return state;
}
/// For code that knows they are on, or does not care whether they were.
inline void forbid_interrupts() {
    asm volatile("cli" ::: "memory");
}
inline void enable_interrupts() {
    asm volatile("sti" ::: "memory");
}
inline void restore_interrupts(InterruptState state) {
    if ((state.flags & interrupt_flag) != 0)
        enable_interrupts();
}
[[nodiscard]] inline bool are_interrupts_enabled() {
    std::uint64_t flags;
    asm volatile("pushfq\n\tpopq %0" : "=r"(flags));
    return (flags & interrupt_flag) != 0;
}

/// This CPU's data. The address stays right only while preemption is off.
inline PerCpu& this_cpu() {
    PerCpu* cpu;
    asm volatile("movq %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}
/// Never changes under the running thread's feet, so the compiler may keep it.
inline Thread& current_thread() {
    Thread* thread;
    asm("movq %%gs:32, %0" : "=r"(thread));
    return *thread;
}

static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
/// For counters that only their owner changes: one instruction, though not a locked one.
[[gnu::always_inline]] inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    asm volatile("addq %1, %0" : "+m"(counter) : "er"(amount));
}
/// Adds one to a counter of this CPU, whichever that is at the moment.
template <std::size_t offset>
inline void count_event() {
    asm volatile("incq %%gs:%c0" ::"i"(offset) : "memory");
}

[[nodiscard]] inline bool needs_reschedule() {
    bool is_set;
    asm volatile("cmpl $0, %%gs:44" : "=@ccne"(is_set));
    return is_set;
}
inline void disable_preemption() {
    asm volatile("incl %%gs:40" ::: "memory");
}
/// The counterpart of disable_preemption for a thread that is about to switch away: nobody preempts it any more.
inline void release_preemption() {
    asm volatile("decl %%gs:40" ::: "memory");
}
inline void enable_preemption() {
    bool is_preemptible;
    asm volatile("decl %%gs:40" : "=@ccz"(is_preemptible)::"memory");
    if (is_preemptible) {
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
    asm volatile("pause" ::: "memory");
}
[[nodiscard]] inline std::uint64_t timestamp() {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32 | low;
}
/// Sleeps until an interrupt; enables interrupts in the same step, so that none is missed in between.
inline void wait_for_interrupt() {
    asm volatile("sti\n\thlt" ::: "memory");
}
[[noreturn]] inline void halt_forever() {
    for (;;)
        asm volatile("cli\n\thlt");
}

inline std::uint64_t read_msr(std::uint32_t index) {
    std::uint32_t low;
    std::uint32_t high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t index, std::uint64_t value) {
    asm volatile("wrmsr" ::"c"(index), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
                 : "memory");
}

inline std::uint64_t read_cr2() {
    std::uint64_t value;
    asm volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}
inline std::uint64_t read_cr3() {
    std::uint64_t value;
    asm volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(std::uint64_t value) {
    asm volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}
inline std::uint64_t read_cr4() {
    std::uint64_t value;
    asm volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(std::uint64_t value) {
    asm volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}
inline void flush_tlb_page(std::uint64_t address) {
    asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}

struct CpuidResult {
    std::uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(std::uint32_t leaf, std::uint32_t subleaf = 0) {
    CpuidResult result;
    asm volatile("cpuid"
                 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                 : "a"(leaf), "c"(subleaf));
    return result;
}

[[nodiscard]] inline std::uint32_t cpu_index() {
    return this_cpu().index;
}

}  // namespace arch
}  // namespace astrata::kernel
