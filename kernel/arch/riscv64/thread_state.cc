#include "arch/thread_state.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/heap.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"
#include "kernel/trap/exception.h"

extern "C" {
void thread_trampoline();
void trap_return();
[[noreturn]] void enter_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0,
                               std::uint64_t argument1, std::uint64_t argument2);
[[noreturn]] void continue_on_stack(void (*function)(void*), void* argument, std::uint64_t stack_top);
astrata::abi::RestrictedExit enter_restricted(astrata::kernel::arch::RestrictedState* state,
                                              std::uint64_t stack_for_traps);
void loop_restricted(astrata::kernel::arch::RestrictedState* state, std::uint64_t stack_for_traps,
                     std::uint64_t handler, std::uint64_t argument, std::atomic<std::uint32_t> const* pending);
void store_floats(std::byte* area);
void load_floats(std::byte const* area);
}

namespace astrata::kernel::arch {

namespace {

// f0 to f31, then fcsr.
constexpr std::size_t float_state_bytes = 33 * sizeof(std::uint64_t);
constexpr std::size_t fcsr_offset = 32 * sizeof(std::uint64_t);
constexpr std::uint64_t fcsr_mask = 0xff;

// Both areas of a thread.
constexpr std::size_t vector_memory_size = 2 * float_state_bytes;

void set_floats(std::uint64_t state) {
    clear_csr<Csr::sstatus>(status_floats);
    set_csr<Csr::sstatus>(state);
}

// Foreign code's registers go to memory whenever its thread leaves the CPU and has changed them, so that it can
// continue anywhere; they are loaded again only if another thread used them meanwhile.
void leave_vector_state(Thread& thread) {
    if ((read_csr<Csr::sstatus>() & status_floats) == status_floats) {
        store_floats(thread.arch.vector_area.data());
        set_floats(status_floats_clean);
    }
}
void resume_vector_state(PerCpu& cpu, Thread& thread) {
    if (!machine.has_floats)
        return;
    set_floats(status_floats_clean);
    if (cpu.vector_state_owner == &thread && thread.arch.vector_cpu == cpu.index)
        return;
    load_floats(thread.arch.vector_area.data());
    set_floats(status_floats_clean);
    cpu.vector_state_owner = &thread;
    thread.arch.vector_cpu = cpu.index;
}

// The stack of hosted code may end before a trap's frame does, which the thread's own stack never will.
std::uint64_t stack_for_traps(Thread& thread) {
    auto const here = reinterpret_cast<std::uint64_t>(__builtin_frame_address(0));
    return is_in_hosted_part({here}) ? thread.arch.stack_top : 0;
}

}  // namespace

TrapFrame& system_call_frame(ThreadState const& state) {
    return *reinterpret_cast<TrapFrame*>(state.stack_top - sizeof(TrapFrame));
}
static_assert(parked_stack_bytes == sizeof(TrapFrame) + 14 * sizeof(std::uint64_t));
static_assert(layout::hosted_length == std::uint64_t{1} << 43);  // HOSTED_LENGTH_SHIFT in trap_entry.S

void exchange_foreign_state(Thread& from, Thread& to) {
    if (!from.arch.vector_area.empty())
        leave_vector_state(from);
    if (!to.arch.vector_area.empty())
        resume_vector_state(this_cpu(), to);
    else
        set_floats(0);  // native code has no business with what is in there
}

void prepare_stack(ThreadState& state, void (*function)(void*), void* argument) {
    // What switch_stacks takes off: padding, s0 to s11, ra.
    std::array<std::uint64_t, 14> words{};
    words[2] = reinterpret_cast<std::uint64_t>(function);
    words[3] = reinterpret_cast<std::uint64_t>(argument);
    words[13] = reinterpret_cast<std::uint64_t>(&thread_trampoline);
    state.stack_pointer = state.stack_top - sizeof(words);
    std::memcpy(reinterpret_cast<void*>(state.stack_pointer), words.data(), sizeof(words));
}

bool allocate_vector_area(Thread& thread) {
    if (!thread.arch.vector_area.empty())
        return true;
    auto charge = PendingCharge::make(thread.account(), mem::heap_charge(vector_memory_size));
    if (!charge)
        return false;
    auto* memory = static_cast<std::byte*>(mem::heap_allocate(vector_memory_size));
    if (memory == nullptr)
        return false;
    charge->keep();
#pragma clang unsafe_buffer_usage begin  // the heap's memory becomes a span here
    std::span const both(memory, vector_memory_size);
#pragma clang unsafe_buffer_usage end
    auto const area = both.first(float_state_bytes);
    thread.arch.vector_staging = both.subspan(float_state_bytes);
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
    mem::heap_free(thread.arch.vector_area.data(), vector_memory_size);
    thread.account().uncharge(mem::heap_charge(vector_memory_size));
    thread.arch.vector_area = {};
}

std::size_t vector_state_size() {
    return float_state_bytes;
}

void save_vector_state(Thread& thread, std::span<std::byte> into) {
    auto const state = disable_interrupts();
    leave_vector_state(thread);
    restore_interrupts(state);
    std::memcpy(into.data(), thread.arch.vector_area.data(), std::min(into.size(), thread.arch.vector_area.size()));
}

void load_vector_state(Thread& thread, std::span<std::byte const> from) {
    auto const area = thread.arch.vector_area;
    auto const state = disable_interrupts();
    auto const given = std::min(from.size(), area.size());
    std::memcpy(area.data(), from.data(), given);
    std::ranges::fill(area.subspan(given), std::byte{});
    std::uint64_t fcsr = 0;
    std::memcpy(&fcsr, area.subspan(fcsr_offset).data(), sizeof(fcsr));
    fcsr &= fcsr_mask;
    std::memcpy(area.subspan(fcsr_offset).data(), &fcsr, sizeof(fcsr));
    this_cpu().vector_state_owner = nullptr;
    resume_vector_state(this_cpu(), thread);
    restore_interrupts(state);
}

void enter_user(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                std::uint64_t argument2) {
    (void)disable_interrupts();
    TrapFrame frame{};
    frame.a[0] = argument0;
    frame.a[1] = argument1;
    frame.a[2] = argument2;
    frame.pc = entry;
    frame.sp = stack;
    asm volatile("mv sp, %0\n\tj trap_return" ::"r"(&frame) : "memory");
    __builtin_unreachable();
}

void begin_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                  std::uint64_t argument2) {
    (void)disable_interrupts();
    enter_hosted(entry, stack, argument0, argument1, argument2);
}

void continue_on_kernel_stack(ThreadState const& state, void (*function)(void*), void* argument) {
    continue_on_stack(function, argument, state.stack_top);
}

abi::RestrictedExit run_restricted(Thread& thread, std::uint64_t other_view, std::uint64_t own_view) {
    auto const interrupts = disable_interrupts();
    use_root(this_cpu(), other_view);
    auto const reason = enter_restricted(thread.restricted_state, stack_for_traps(thread));
    use_root(this_cpu(), own_view);  // perhaps on another CPU than before
    restore_interrupts(interrupts);
    return reason;
}

void run_restricted_loop(Thread& thread, std::uint64_t handler, std::uint64_t argument) {
    (void)disable_interrupts();
    loop_restricted(thread.restricted_state, thread.arch.stack_top, handler, argument, &thread.pending_word());
    enable_interrupts();
}

}  // namespace astrata::kernel::arch
