// Starting the other processors (Intel SDM volume 3, section 8.4.4) and talking to them.
#include "arch/smp.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "arch/user_view.h"
#include "kernel/arch/x86_64/boot/boot_cpu.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/arch/x86_64/user_view.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/log/print.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/sync/spin_lock.h"
#include "kernel/time/clock.h"

extern "C" {
extern std::byte const trampoline_start[];
extern std::byte const trampoline_end[];
extern std::byte const trampoline_parameters[];
extern std::byte const boot_root[];
}

namespace astrata::kernel::arch {

namespace {

constexpr PhysAddr trampoline_page{0x8000};

struct TrampolineParameters {
    std::uint64_t root;
    std::uint64_t stack;
    std::uint64_t cpu;
};

constinit std::array<PerCpu*, cpu_limit> cpus{};
constinit std::atomic<std::uint32_t> count = 0;
constinit Account* root_account = nullptr;

// A CPU that was started says so and waits for leave to go on, so that one which comes too late does no harm: it is
// sent back before anybody else is given the trampoline.
enum class Handshake : std::uint32_t { none, arrived, go };
constinit std::atomic<Handshake> handshake = Handshake::none;

// A loaded host may not run a virtual CPU for a long time.
constexpr std::uint64_t patience_ns = 5'000'000'000;
constexpr std::uint64_t startup_interval_ns = 50'000'000;

// A CPU keeps its stacks for life.
template <typename T>
T& keep(T&& value) {
    auto* memory = mem::heap_allocate(sizeof(T));
    return *::new (memory) T(std::move(value));
}

Result<> prepare_tables(PerCpu& cpu, Account& account) {
    auto* memory = mem::heap_allocate(sizeof(CpuTables));
    if (memory == nullptr)
        return fail(Error::no_memory);
    cpu.tables = ::new (memory) CpuTables{};
    std::array<std::uint64_t, 3> tops{};
    for (auto& top : tops) {
        auto stack = TRY(mem::KernelStack::create(account));
        if (has_user_views())
            TRY(show_in_user_view(stack.bottom(), stack.top() - stack.bottom(), {.write = true}));
        top = keep(std::move(stack)).top().value;
    }
    // Loaded by the CPU itself.
    cpu_stack_tops[cpu.index] = tops;
    return {};
}

Result<> show_entry_page(PerCpu& cpu) {
    return show_in_user_view({reinterpret_cast<std::uint64_t>(&entry_page_of(cpu))}, sizeof(EntryPage),
                             {.write = true});
}

void prepare_trampoline(PerCpu const& cpu) {
#pragma clang unsafe_buffer_usage begin  // the trampoline is code between two labels
    auto const code = std::span(trampoline_start, static_cast<std::size_t>(trampoline_end - trampoline_start));
    auto const offset = static_cast<std::size_t>(trampoline_parameters - trampoline_start);
    auto const target = std::span(phys_to_virt(trampoline_page), code.size());
#pragma clang unsafe_buffer_usage end
    std::memcpy(target.data(), code.data(), code.size());
    // The early tables show the trampoline at its physical address; with the final kernel half they show the stack too.
    PhysAddr const root{reinterpret_cast<std::uint64_t>(boot_root) - layout::image.value};
    // The early direct map lies in a region of the final kernel half, perhaps in a slot that is empty there.
    std::ranges::fill(std::span(mem::table_entries(root)).last<paging::entries_per_table / 2>(), paging::Entry{0});
    mem::copy_kernel_half(mem::table_entries(root));
    TrampolineParameters const parameters{
        .root = root.value,
        .stack = cpu.idle_thread->arch.stack_top,
        .cpu = reinterpret_cast<std::uint64_t>(&cpu),
    };
    std::memcpy(target.subspan(offset).data(), &parameters, sizeof(parameters));
}

}  // namespace

constinit std::array<std::array<std::uint64_t, 3>, cpu_limit> cpu_stack_tops{};

PerCpu& cpu(std::uint32_t index) {
    return *cpus[index];
}
std::uint32_t cpu_count() {
    return count.load(std::memory_order_acquire);
}

void register_boot_cpu(PerCpu& cpu) {
    cpu.is_started = true;
    cpus[0] = &cpu;
    count = 1;
}

Result<> guard_boot_cpu(Account& account) {
    auto& cpu = this_cpu();
    if (has_user_views()) {
        TRY(prepare_user_view());
        TRY(show_entry_page(cpu));
    }
    TRY(prepare_tables(cpu, account));
    auto const state = disable_interrupts();
    load_descriptor_tables(cpu, *cpu.tables, cpu_stack_tops[0]);
    // Loading the null-based segments cleared GS.
    set_this_cpu(cpu);
    restore_interrupts(state);
    return {};
}

Result<> list_cpu(std::uint32_t apic_id, Account& account) {
    root_account = &account;
    auto const index = count.load(std::memory_order_relaxed);
    if (index == cpu_limit)
        return fail(Error::no_resources);
    auto* memory = mem::heap_allocate(sizeof(CpuBlock));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto& cpu = (::new (memory) CpuBlock{})->cpu;
    if (has_user_views())
        TRY(show_entry_page(cpu));
    cpu.self = &cpu;
    cpu.index = index;
    cpu.hardware_id = apic_id;
    cpus[index] = &cpu;
    count.store(index + 1, std::memory_order_release);
    return {};
}

Result<> start_cpu(PerCpu& cpu) {
    if (cpu.tables == nullptr)
        TRY(prepare_tables(cpu, *root_account));
    if (cpu.idle_thread == nullptr) {
        auto idle = TRY(Thread::create_kernel(*root_account, "idle", nullptr, nullptr));
        cpu.idle_thread = cpu.current = idle.get();
        (void)idle.leak();
    }
    choose_fast_path(true);
    prepare_trampoline(cpu);
    handshake.store(Handshake::none);
    send_init(cpu.hardware_id);
    // The specification asks for a second STARTUP if the first was missed; real processors want some time after INIT,
    // too.
    auto const give_up = clock::now() + patience_ns;
    for (auto next_startup = MonotonicNs{0}; handshake.load(std::memory_order_acquire) != Handshake::arrived; pause()) {
        auto const now = clock::now();
        if (now >= give_up) {
            send_init(cpu.hardware_id);
            return fail(Error::timed_out);
        }
        if (now >= next_startup) {
            send_startup(cpu.hardware_id, static_cast<std::uint8_t>(trampoline_page.page()));
            next_startup = now + startup_interval_ns;
        }
    }
    // Until now it was not busy.
    cpu.idle_ticks = clock::ticks_for(clock::now().value);
    cpu.is_started = true;
    handshake.store(Handshake::go, std::memory_order_release);
    while (!cpu.is_online.load(std::memory_order_acquire) && clock::now() < give_up)
        pause();
    return cpu.is_online ? ok() : fail(Error::timed_out);
}

void interrupt_cpu(std::uint32_t index) {
    send_interrupt(cpus[index]->hardware_id, reschedule_vector);
}

void stop_other_cpus() {
    auto const own = this_cpu().index;
    for (std::uint32_t i = 0; i < cpu_count(); ++i) {
        if (i != own && cpus[i]->is_started)
            send_interrupt(cpus[i]->hardware_id, stop_vector);
    }
}

void await_leave() {
    handshake.store(Handshake::arrived, std::memory_order_release);
    while (handshake.load(std::memory_order_acquire) != Handshake::go)
        pause();
}

}  // namespace astrata::kernel::arch

extern "C" [[noreturn]] void secondary_start(astrata::kernel::arch::PerCpu* cpu) {
    using namespace astrata::kernel;
    arch::set_this_cpu(*cpu);
    arch::load_descriptor_tables(*cpu, *cpu->tables, arch::cpu_stack_tops[cpu->index]);
    arch::set_this_cpu(*cpu);
    arch::enable_features();
    cpu->active_root = mem::kernel_root().value;
    arch::write_cr3(cpu->active_root);
    arch::enable_local_apic();
    arch::await_leave();
    sched::register_cpu(*cpu->idle_thread);
    sched::enter_idle();
}
