// What each CPU keeps for itself, reached through tp while in the kernel or in code that is hosted there. The first
// fields are known to the entry code.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "arch/restricted_state.h"

namespace astrata::kernel {

class Thread;
class AddressSpace;
namespace sched {
struct RunQueue;
}

namespace arch {

extern "C" {  // hosted_entry.S
void hosted_entry();
void hosted_park_entry();
void hosted_unpark_entry();
void hosted_map_anonymous_entry();
void hosted_unmap_entry();
void hosted_protect_entry();
void hosted_read_entry();
}

/// Which space's translations a CPU may have; other CPUs compare, but do not follow, the pointers.
struct UsedSpace {
    std::atomic<AddressSpace*> space = nullptr;
    std::atomic<AddressSpace const*> home = nullptr;
};

struct PerCpu {
    PerCpu* self = nullptr;
    std::uint64_t kernel_stack = 0;             // 8, where traps from native code begin
    std::uint64_t interrupted_stack = 0;        // 16, the stack pointer of whom a trap has interrupted, for a moment
    RestrictedState* restricted = nullptr;      // 24, set while foreign code runs on this CPU
    Thread* current = nullptr;                  // 32
    std::uint32_t preemption_depth = 0;         // 40
    std::uint32_t needs_reschedule = 0;         // 44
    std::uint64_t restricted_return = 0;        // 48, stack pointer of enter_restricted
    std::uint64_t full_root = 0;                // 56, page-table root of the native view
    void (*hosted_call)() = hosted_entry;       // 64, where native code that is hosted in the kernel calls
    void (*hosted_park)() = hosted_park_entry;  // 72 and 80, the same for these calls
    void (*hosted_unpark)() = hosted_unpark_entry;
    std::uint64_t trap_stack = 0;       // 88, where traps from foreign code begin
    std::uint64_t first_scratch = 0;    // 96, registers of whom a trap has interrupted, for a moment
    std::uint64_t second_scratch = 0;   // 104
    std::uint64_t trapped_at = 0;       // 112, what the trap before has interrupted
    std::uint64_t emergency_stack = 0;  // 120, for the report that a kernel stack is used up
    void (*hosted_map_anonymous)() = hosted_map_anonymous_entry;  // 128 to 152, more of those calls
    void (*hosted_unmap)() = hosted_unmap_entry;
    void (*hosted_protect)() = hosted_protect_entry;
    void (*hosted_read)() = hosted_read_entry;
    std::uint64_t held_ranks = 0;  // debug: bit for each lock rank held
    std::uint32_t index = 0;
    std::uint32_t hardware_id = 0;            // the hart's number
    std::uint64_t active_root = 0;            // what satp names
    std::uint64_t last_fault = 0;             // the address of the last page fault (trap.cc)
    std::atomic<std::uint32_t> requests = 0;  // of other CPUs (smp.cc)
    UsedSpace entered;                        // before its root is loaded; it lives as long as its thread is current
    UsedSpace left;                           // whose root was loaded before that
    bool is_space_borrowed = true;            // else this CPU holds a reference: a kernel thread runs in it
    Thread* vector_state_owner = nullptr;     // whose floating-point state the registers hold
    Thread* idle_thread = nullptr;
    sched::RunQueue* run_queue = nullptr;
    std::uint64_t interrupts = 0;
    std::uint64_t timer_interrupts = 0;
    std::uint64_t switches = 0;
    std::uint64_t system_calls = 0;
    std::uint64_t page_faults = 0;
    std::uint64_t ipc_calls = 0;
    std::uint64_t tlb_shootdowns = 0;  // requests of others that this CPU answered
    std::uint64_t idle_ticks = 0;
    std::uint64_t slice_end_ticks = 0;              // when the current thread's time slice is used up
    std::uint64_t armed_ticks = ~std::uint64_t{0};  // what the local timer is set to; ~0 when it is stopped
    Thread* switched_from = nullptr;                // during a switch: who ran before
    std::uint64_t interrupt_timing = 0;             // when interrupts came, for the random number generator
    bool is_started = false;                        // its data is complete and it runs its idle thread
    std::atomic<bool> is_online = false;
    std::atomic<bool> is_leaving = false;      // is to go offline, or has
    std::atomic<bool> has_new_timers = false;  // which another CPU gave it
};
// entry_offsets.inc
static_assert(offsetof(PerCpu, kernel_stack) == 8 && offsetof(PerCpu, interrupted_stack) == 16);
static_assert(offsetof(PerCpu, restricted) == 24 && offsetof(PerCpu, current) == 32 &&
              offsetof(PerCpu, preemption_depth) == 40);
static_assert(offsetof(PerCpu, needs_reschedule) == 44 && offsetof(PerCpu, restricted_return) == 48);
static_assert(offsetof(PerCpu, hosted_call) == 64 && offsetof(PerCpu, hosted_unpark) == 80 &&
              offsetof(PerCpu, trap_stack) == 88);
static_assert(offsetof(PerCpu, first_scratch) == 96 && offsetof(PerCpu, second_scratch) == 104);
static_assert(offsetof(PerCpu, trapped_at) == 112 && offsetof(PerCpu, emergency_stack) == 120);
static_assert(offsetof(PerCpu, hosted_map_anonymous) == 128 && offsetof(PerCpu, hosted_read) == 152);

}  // namespace arch
}  // namespace astrata::kernel
