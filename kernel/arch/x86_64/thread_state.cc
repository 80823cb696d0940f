#include "arch/thread_state.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/trap_frame.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/heap.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

extern "C" {
void thread_trampoline();
void trap_return();
void fill_return_buffer();
[[noreturn]] void enter_hosted(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0,
                               std::uint64_t argument1, std::uint64_t argument2);
[[noreturn]] void continue_on_stack(void (*function)(void*), void* argument, std::uint64_t stack_top);
std::uint32_t enter_restricted(astrata::kernel::arch::RestrictedState* state, std::uint64_t* stack_for_traps);
void loop_restricted(astrata::kernel::arch::RestrictedState* state, std::uint64_t* stack_for_traps,
                     std::uint64_t handler, std::uint64_t argument, std::atomic<std::uint32_t> const* pending);
}

namespace astrata::kernel::arch {

namespace {

constexpr std::uint32_t msr_fs_base = 0xc000'0100;
constexpr std::uint32_t msr_kernel_gs_base = 0xc000'0102;  // the user's GS base while in the kernel

std::uint64_t read_user_fs() {
    if (!features.has_fsgsbase)
        return read_msr(msr_fs_base);
    std::uint64_t value;
    asm volatile("rdfsbase %0" : "=r"(value));
    return value;
}
void write_user_fs(std::uint64_t value) {
    if (features.has_fsgsbase)
        asm volatile("wrfsbase %0" ::"r"(value));
    else
        write_msr(msr_fs_base, value);
}
// Interrupts are off: GS belongs to the user for two instructions.
std::uint64_t read_user_gs() {
    if (!features.has_fsgsbase)
        return read_msr(msr_kernel_gs_base);
    std::uint64_t value;
    asm volatile("swapgs\n\trdgsbase %0\n\tswapgs" : "=r"(value)::"memory");
    return value;
}
void write_user_gs(std::uint64_t value) {
    if (features.has_fsgsbase)
        asm volatile("swapgs\n\twrgsbase %0\n\tswapgs" ::"r"(value) : "memory");
    else
        write_msr(msr_kernel_gs_base, value);
}

// Intel SDM volume 1, section 13.4: legacy region, then the header at 512.
constexpr std::size_t header_offset = 512;
constexpr std::size_t mxcsr_offset = 24;
constexpr std::uint32_t mxcsr_mask = 0xffff;
constexpr std::uint16_t initial_control_word = 0x37f;
constexpr std::uint32_t initial_mxcsr = 0x1f80;

void store_vector_registers(std::byte* area) {
    auto const mask = features.vector_state_mask;
    auto const low = static_cast<std::uint32_t>(mask);
    auto const high = static_cast<std::uint32_t>(mask >> 32);
    if (features.has_xsaveopt)
        asm volatile("xsaveopt64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else if (features.has_xsave)
        asm volatile("xsave64 (%0)" ::"r"(area), "a"(low), "d"(high) : "memory");
    else
        asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}
void load_vector_registers(std::byte const* area) {
    auto const mask = features.vector_state_mask;
    if (features.has_xsave)
        asm volatile("xrstor64 (%0)" ::"r"(area), "a"(static_cast<std::uint32_t>(mask)),
                     "d"(static_cast<std::uint32_t>(mask >> 32))
                     : "memory");
    else
        asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

// Both areas of a thread: a power of two, so that the first is aligned to the 64 bytes that XSAVE wants.
std::size_t vector_memory_size() {
    return std::bit_ceil(std::size_t{2} * features.vector_state_size);
}

// Foreign code's registers go to memory whenever its thread leaves the CPU, so that it can continue anywhere; they are
// loaded again only if another thread used them meanwhile.
void leave_vector_state(Thread& thread) {
    if (!thread.arch.vector_area.empty())
        store_vector_registers(thread.arch.vector_area.data());
}
void resume_vector_state(PerCpu& cpu, Thread& thread) {
    if (thread.arch.vector_area.empty())
        return;
    if (cpu.vector_state_owner == &thread && thread.arch.vector_cpu == cpu.index)
        return;
    load_vector_registers(thread.arch.vector_area.data());
    cpu.vector_state_owner = &thread;
    thread.arch.vector_cpu = cpu.index;
}

}  // namespace

[[clang::preserve_most]] void forget_branches() {
    constexpr std::uint32_t msr_prediction_command = 0x49;  // IA32_PRED_CMD: IBPB
    auto const& controls = features.speculation_controls;
    if (controls.is_barrier_on_switch)
        write_msr(msr_prediction_command, 1);
    fill_return_buffer();
}

TrapFrame& system_call_frame(ThreadState const& state) {
    return *reinterpret_cast<TrapFrame*>(state.stack_top - sizeof(TrapFrame));
}
static_assert(parked_stack_bytes == sizeof(TrapFrame) + 7 * sizeof(std::uint64_t));
static_assert(layout::hosted_length == std::uint64_t{1} << 43);  // HOSTED_LENGTH_SHIFT in trap_entry.S

void exchange_foreign_state(Thread& from, Thread& to) {
    if (!from.arch.vector_area.empty()) {
        from.arch.gs_base = read_user_gs();
        leave_vector_state(from);
    }
    if (!to.arch.vector_area.empty()) {
        write_user_gs(to.arch.gs_base);
        resume_vector_state(this_cpu(), to);
    }
}

void exchange_fs_by_register(Thread& from, Thread& to) {
    if (from.is_user())
        from.arch.fs_base = read_msr(msr_fs_base);
    if (to.is_user())
        write_msr(msr_fs_base, to.arch.fs_base);
}

void prepare_stack(ThreadState& state, void (*function)(void*), void* argument) {
    // What switch_stacks pops: r15 r14 r13 r12 rbx rbp, then the return address; one word more keeps calls aligned.
    std::array<std::uint64_t, 8> const words = {
        0, 0, reinterpret_cast<std::uint64_t>(argument),           reinterpret_cast<std::uint64_t>(function),
        0, 0, reinterpret_cast<std::uint64_t>(&thread_trampoline), 0};
    state.stack_pointer = state.stack_top - sizeof(words);
    std::memcpy(reinterpret_cast<void*>(state.stack_pointer), words.data(), sizeof(words));
}

bool allocate_vector_area(Thread& thread) {
    if (!thread.arch.vector_area.empty())
        return true;
    auto charge = PendingCharge::make(thread.account(), mem::heap_charge(vector_memory_size()));
    if (!charge)
        return false;
    auto* memory = static_cast<std::byte*>(mem::heap_allocate(vector_memory_size()));
    if (memory == nullptr)
        return false;
    charge->keep();
#pragma clang unsafe_buffer_usage begin  // the heap's memory becomes a span here
    std::span const both(memory, 2 * features.vector_state_size);
#pragma clang unsafe_buffer_usage end
    auto const area = both.first(features.vector_state_size);
    thread.arch.vector_staging = both.subspan(features.vector_state_size);
    std::ranges::fill(area, std::byte{});
    std::memcpy(area.data(), &initial_control_word, sizeof(initial_control_word));
    std::memcpy(area.subspan(mxcsr_offset).data(), &initial_mxcsr, sizeof(initial_mxcsr));
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
    mem::heap_free(thread.arch.vector_area.data(), vector_memory_size());
    thread.account().uncharge(mem::heap_charge(vector_memory_size()));
    thread.arch.vector_area = {};
}

std::size_t vector_state_size() {
    return features.vector_state_size;
}

void save_vector_state(Thread& thread, std::span<std::byte> into) {
    auto const state = disable_interrupts();
    store_vector_registers(thread.arch.vector_area.data());
    restore_interrupts(state);
    std::memcpy(into.data(), thread.arch.vector_area.data(), std::min(into.size(), thread.arch.vector_area.size()));
}

void load_vector_state(Thread& thread, std::span<std::byte const> from) {
    auto const area = thread.arch.vector_area;
    auto const state = disable_interrupts();
    auto const given = std::min(from.size(), area.size());
    std::memcpy(area.data(), from.data(), given);
    std::ranges::fill(area.subspan(given), std::byte{});
    // What xrstor would fault on: reserved MXCSR bits, unknown components, anything in the rest of the header.
    std::uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, area.subspan(mxcsr_offset).data(), sizeof(mxcsr));
    mxcsr &= mxcsr_mask;
    std::memcpy(area.subspan(mxcsr_offset).data(), &mxcsr, sizeof(mxcsr));
    if (features.has_xsave) {
        std::uint64_t components = 0;
        auto const header = area.subspan(header_offset, 64);
        std::memcpy(&components, header.data(), sizeof(components));
        std::ranges::fill(header, std::byte{});
        // A frame without an extended part restores the legacy registers.
        components = from.size() > header_offset ? components & features.vector_state_mask : 3;
        std::memcpy(header.data(), &components, sizeof(components));
    }
    load_vector_registers(area.data());
    auto& cpu = this_cpu();
    cpu.vector_state_owner = &thread;
    thread.arch.vector_cpu = cpu.index;
    restore_interrupts(state);
}

void enter_user(std::uint64_t entry, std::uint64_t stack, std::uint64_t argument0, std::uint64_t argument1,
                std::uint64_t argument2) {
    (void)disable_interrupts();
    TrapFrame frame{};
    frame.rdi = argument0;
    frame.rsi = argument1;
    frame.rdx = argument2;
    frame.rip = entry;
    frame.cs = user_code_selector;
    frame.rflags = interrupt_flag | 2;
    frame.rsp = stack;
    frame.ss = user_data_selector;
    asm volatile("movq %0, %%rsp\n\tjmp trap_return" ::"r"(&frame) : "memory");
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
    auto const reason = enter_restricted(thread.restricted_state, &this_cpu().tables->task.stacks[0]);
    // Perhaps on another CPU than before.
    auto& cpu = this_cpu();
    cpu.tables->task.stacks[0] = thread.arch.stack_top;
    use_root(cpu, own_view);
    restore_interrupts(interrupts);
    return static_cast<abi::RestrictedExit>(reason);
}

void run_restricted_loop(Thread& thread, std::uint64_t handler, std::uint64_t argument) {
    (void)disable_interrupts();
    loop_restricted(thread.restricted_state, &this_cpu().tables->task.stacks[0], handler, argument,
                    &thread.pending_word());
    this_cpu().tables->task.stacks[0] = thread.arch.stack_top;
    enable_interrupts();
}

Result<> load_segment_bases(RestrictedState const& state) {
    auto const fs = state.fs_base;
    auto const gs = state.gs_base;
    if (fs >= layout::guest_end.value || gs >= layout::guest_end.value)
        return fail(Error::out_of_range);
    auto const interrupts = disable_interrupts();
    write_user_fs(fs);
    write_user_gs(gs);
    restore_interrupts(interrupts);
    return {};
}

void save_segment_bases(RestrictedState& state) {
    auto const interrupts = disable_interrupts();
    state.fs_base = read_user_fs();
    state.gs_base = read_user_gs();
    restore_interrupts(interrupts);
}

}  // namespace astrata::kernel::arch
