#include "arch/thread_state.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/arch/aarch64/control_registers.h"
#include "kernel/arch/aarch64/features.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/heap.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

extern "C" {
void thread_trampoline();
[[noreturn]] void enter_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0,
                               std::uint64_t argument1, std::uint64_t argument2, std::uint64_t kernel_stack);
[[noreturn]] void enter_user_mode(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0,
                                  std::uint64_t argument1, std::uint64_t argument2, std::uint64_t kernel_stack);
[[noreturn]] void continue_on_stack(void (*function)(void*), void* argument, std::uint64_t stack_top);
std::uint32_t enter_restricted(astrata::kernel::arch::RestrictedState* state);
void loop_restricted(astrata::kernel::arch::RestrictedState* state, std::uint64_t handler, std::uint64_t argument,
                     std::atomic<std::uint32_t> const* pending);
void store_vector_registers(std::byte* area);  // vector_registers.S
void load_vector_registers(std::byte const* area);
}

namespace astrata::kernel::arch {

namespace {

/// What a vector area holds: as Linux's user_fpsimd_state. All zero is the initial state.
struct VectorState {
    std::array<std::array<std::uint64_t, 2>, 32> registers;  // V0-V31
    std::uint32_t status;                                    // FPSR
    std::uint32_t control;                                   // FPCR
    std::array<std::uint32_t, 2> reserved;
};
static_assert(sizeof(VectorState) == 528);
constexpr std::size_t area_bytes = 528;
constexpr std::size_t memory_bytes = 2 * area_bytes;
// What reads as zero is never written: FPSR's QC and exception flags; FPCR's AHP, DN, FZ, RMode, FZ16 and trap enables.
constexpr std::uint32_t status_mask = 0xf800'009f;
constexpr std::uint32_t control_mask = 0x07f7'9f00;

// Nobody but the thread that they belong to reaches vector registers.
void allow_vector_registers(bool is_allowed) {
    ASTRATA_WRITE_REGISTER("cpacr_el1", is_allowed ? vector_access_all : vector_access_none);
    synchronize_context();
}

// Foreign code's registers go to memory whenever its thread leaves the CPU, so that it can continue anywhere; they are
// loaded again only if another thread used them meanwhile.
void resume_vector_state(PerCpu& cpu, Thread& thread) {
    allow_vector_registers(true);
    if (cpu.vector_state_owner == &thread && thread.arch.vector_cpu == cpu.index)
        return;
    load_vector_registers(thread.arch.vector_area.data());
    cpu.vector_state_owner = &thread;
    thread.arch.vector_cpu = cpu.index;
}

}  // namespace

TrapFrame& system_call_frame(ThreadState const& state) {
    return *reinterpret_cast<TrapFrame*>(state.stack_top - sizeof(TrapFrame));
}
static_assert(parked_stack_bytes == sizeof(TrapFrame) + 12 * sizeof(std::uint64_t));

void exchange_foreign_state(Thread& from, Thread& to) {
    if (!from.arch.vector_area.empty()) {
        from.arch.thread_pointer = ASTRATA_READ_REGISTER("tpidr_el0");
        store_vector_registers(from.arch.vector_area.data());
    }
    if (!to.arch.vector_area.empty()) {
        ASTRATA_WRITE_REGISTER("tpidr_el0", to.arch.thread_pointer);
        resume_vector_state(this_cpu(), to);
    } else {
        ASTRATA_WRITE_REGISTER("tpidr_el0", 0);
        allow_vector_registers(false);
    }
}

void prepare_stack(ThreadState& state, void (*function)(void*), void* argument) {
    // What switch_stacks takes: x19 to x28, frame pointer and return address.
    std::array<std::uint64_t, 12> const words = {reinterpret_cast<std::uint64_t>(function),
                                                 reinterpret_cast<std::uint64_t>(argument),
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 0,
                                                 reinterpret_cast<std::uint64_t>(&thread_trampoline)};
    state.stack_pointer = state.stack_top - sizeof(words);
    std::memcpy(reinterpret_cast<void*>(state.stack_pointer), words.data(), sizeof(words));
}

bool allocate_vector_area(Thread& thread) {
    if (!thread.arch.vector_area.empty())
        return true;
    auto charge = PendingCharge::make(thread.account(), mem::heap_charge(memory_bytes));
    if (!charge)
        return false;
    auto* memory = static_cast<std::byte*>(mem::heap_allocate(memory_bytes));
    if (memory == nullptr)
        return false;
    charge->keep();
#pragma clang unsafe_buffer_usage begin  // the heap's memory becomes a span here
    std::span const both(memory, memory_bytes);
#pragma clang unsafe_buffer_usage end
    auto const area = both.first(area_bytes);
    thread.arch.vector_staging = both.subspan(area_bytes);
    std::ranges::fill(area, std::byte{});
    auto const state = disable_interrupts();
    thread.arch.vector_area = area;
    thread.arch.vector_cpu = ~std::uint32_t{0};
    if (&thread == &current_thread())
        resume_vector_state(this_cpu(), thread);
    restore_interrupts(state);
    return true;
}

void free_vector_area(Thread& thread) {
    if (thread.arch.vector_area.empty())
        return;
    mem::heap_free(thread.arch.vector_area.data(), memory_bytes);
    thread.account().uncharge(mem::heap_charge(memory_bytes));
    thread.arch.vector_area = {};
}

std::size_t vector_state_size() {
    return area_bytes;
}

void save_vector_state(Thread& thread, std::span<std::byte> into) {
    auto const state = disable_interrupts();
    store_vector_registers(thread.arch.vector_area.data());
    restore_interrupts(state);
    std::memcpy(into.data(), thread.arch.vector_area.data(), std::min(into.size(), thread.arch.vector_area.size()));
}

void load_vector_state(Thread& thread, std::span<std::byte const> from) {
    VectorState loaded{};
    auto const bytes = std::as_writable_bytes(std::span(&loaded, 1));
    std::ranges::copy(from.first(std::min(from.size(), bytes.size())), bytes.begin());
    loaded.status &= status_mask;
    loaded.control &= control_mask;
    auto const state = disable_interrupts();
    std::memcpy(thread.arch.vector_area.data(), &loaded, sizeof(loaded));
    load_vector_registers(thread.arch.vector_area.data());
    auto& cpu = this_cpu();
    cpu.vector_state_owner = &thread;
    thread.arch.vector_cpu = cpu.index;
    restore_interrupts(state);
}

void enter_user(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                std::uint64_t argument2) {
    (void)disable_interrupts();
    enter_user_mode(entry, stack, argument0, argument1, argument2, current_thread().arch.stack_top);
}

void begin_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                  std::uint64_t argument2) {
    (void)disable_interrupts();
    enter_hosted(entry, stack, argument0, argument1, argument2, current_thread().arch.stack_top);
}

void continue_on_kernel_stack(ThreadState const& state, void (*function)(void*), void* argument) {
    continue_on_stack(function, argument, state.stack_top);
}

abi::RestrictedExit run_restricted(Thread& thread, std::uint64_t other_view, std::uint64_t own_view) {
    auto const interrupts = disable_interrupts();
    use_root(this_cpu(), other_view);
    auto const reason = enter_restricted(thread.restricted_state);
    // Perhaps on another CPU than before.
    use_root(this_cpu(), own_view);
    restore_interrupts(interrupts);
    return static_cast<abi::RestrictedExit>(reason);
}

void run_restricted_loop(Thread& thread, std::uint64_t handler, std::uint64_t argument) {
    (void)disable_interrupts();
    loop_restricted(thread.restricted_state, handler, argument, &thread.pending_word());
    enable_interrupts();
}

}  // namespace astrata::kernel::arch
