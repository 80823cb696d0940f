// Starting the other harts (SBI 1.0, chapter 9) and interrupting them (chapter 7).
#include "arch/smp.h"

#include <array>
#include <atomic>
#include <span>

#include "arch/cpu.h"
#include "arch/paging.h"
#include "kernel/arch/riscv64/boot/boot_cpu.h"
#include "kernel/arch/riscv64/requests.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"

extern "C" {
void boot_secondary();  // boot/entry.S
void boot_secondary_high();
void trap_entry();
[[noreturn]] void secondary_begin();
}

namespace astrata::kernel::arch {

namespace {

constinit std::array<PerCpu*, cpu_limit> cpus{};
constinit std::atomic<std::uint32_t> count = 0;
constinit Account* root_account = nullptr;

// What boot_secondary finds at its physical address.
struct SecondaryStart {
    std::uint64_t satp;
    std::uint64_t entry;
    std::uint64_t stack;
    PerCpu* cpu;
};
extern "C" constinit SecondaryStart secondary_start{};

// A hart that was started says so and waits for leave to go on, so that one which comes too late does no harm.
enum class Handshake : std::uint32_t { none, arrived, go };
constinit std::atomic<Handshake> handshake = Handshake::none;

// A loaded host may not run a virtual CPU for a long time.
constexpr std::uint64_t patience_ns = 5'000'000'000;

enum Request : std::uint32_t { reschedule = 1, stop = 2 };

void request(PerCpu& cpu, Request what) {
    cpu.requests.fetch_or(what, std::memory_order_release);
    sbi::call(sbi::Extension::inter_processor, 0, 1, cpu.hardware_id);
}

// The image, for code that runs without translation.
std::uint64_t physical(void const* place) {
    return reinterpret_cast<std::uint64_t>(place) - layout::image.value;
}

// A CPU keeps it for life.
Result<> prepare_emergency_stack(PerCpu& cpu, Account& account) {
    auto* memory = mem::heap_allocate(sizeof(mem::KernelStack));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto* stack = ::new (memory) mem::KernelStack(TRY(mem::KernelStack::create(account)));
    cpu.emergency_stack = stack->top().value;
    return {};
}

}  // namespace

PerCpu& cpu(std::uint32_t index) {
    return *cpus[index];
}
std::uint32_t cpu_count() {
    return count.load(std::memory_order_acquire);
}

void set_up_this_cpu(PerCpu& cpu) {
    cpu.self = &cpu;
    asm volatile("mv tp, %0" ::"r"(&cpu) : "memory");
    write_csr<Csr::sscratch>(0);
    write_csr<Csr::stvec>(reinterpret_cast<std::uint64_t>(&trap_entry));
    clear_csr<Csr::sstatus>(status_user_memory | status_floats | status_vectors);
    constexpr std::uint64_t all_counters = 7;  // cycle, time and instret in user mode
    write_csr<Csr::scounteren>(all_counters);
}

void listen_for_interrupts() {
    write_csr<Csr::sie>(software_interrupt | timer_interrupt | external_interrupt);
}

void register_boot_cpu(PerCpu& cpu) {
    cpu.is_started = true;
    cpus[0] = &cpu;
    count = 1;
}

Result<> guard_boot_cpu(Account& account) {
    return prepare_emergency_stack(this_cpu(), account);
}

Result<> list_cpu(std::uint32_t hart, Account& account) {
    root_account = &account;
    auto const index = count.load(std::memory_order_relaxed);
    if (index == cpu_limit)
        return fail(Error::no_resources);
    auto* memory = mem::heap_allocate(sizeof(PerCpu));
    if (memory == nullptr)
        return fail(Error::no_memory);
    auto& cpu = *::new (memory) PerCpu{};
    cpu.self = &cpu;
    cpu.index = index;
    cpu.hardware_id = hart;
    cpus[index] = &cpu;
    count.store(index + 1, std::memory_order_release);
    return {};
}

Result<> start_cpu(PerCpu& cpu) {
    if (cpu.emergency_stack == 0)
        TRY(prepare_emergency_stack(cpu, *root_account));
    if (cpu.idle_thread == nullptr) {
        auto idle = TRY(Thread::create_kernel(*root_account, "idle", nullptr, nullptr));
        cpu.idle_thread = cpu.current = idle.get();
        (void)idle.leak();
    }
    choose_fast_path(true);
    secondary_start = {.satp = translation_sv48 | mem::kernel_root().value >> 12,
                       .entry = reinterpret_cast<std::uint64_t>(&boot_secondary_high),
                       .stack = cpu.idle_thread->arch.stack_top,
                       .cpu = &cpu};
    handshake.store(Handshake::none);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    auto const started =
        sbi::call(sbi::Extension::hart_state, 0, cpu.hardware_id,
                  physical(reinterpret_cast<void const*>(&boot_secondary)), physical(&secondary_start));
    if (started.error != 0)
        return fail(Error::timed_out);
    auto const give_up = clock::now() + patience_ns;
    while (handshake.load(std::memory_order_acquire) != Handshake::arrived) {
        if (clock::now() >= give_up)
            return fail(Error::timed_out);
        pause();
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
    request(*cpus[index], reschedule);
}

void stop_other_cpus() {
    auto const own = this_cpu().index;
    for (std::uint32_t i = 0; i < cpu_count(); ++i) {
        if (i != own && cpus[i]->is_started)
            request(*cpus[i], stop);
    }
}

// Sleeps until the next interrupt, and sees to it that one is pending.
void let_others_run() {
    auto const state = disable_interrupts();
    bool const was_pending = (read_csr<Csr::sip>() & software_interrupt) != 0;
    auto const enabled = read_csr<Csr::sie>();
    set_csr<Csr::sie>(software_interrupt);
    set_csr<Csr::sip>(software_interrupt);
    asm volatile("wfi" ::: "memory");
    write_csr<Csr::sie>(enabled);
    if (!was_pending) {
        clear_csr<Csr::sip>(software_interrupt);
        // A request is noted before it interrupts.
        if (this_cpu().requests.load(std::memory_order_acquire) != 0)
            set_csr<Csr::sip>(software_interrupt);
    }
    restore_interrupts(state);
}

void find_out_about_turns() {
    // Where instructions are counted, as many take as many cycles, every time.
    constexpr int rounds = 8;
    bool is_exact = true;
    for (int round = 0; round < rounds; ++round) {
        std::uint64_t start;
        std::uint64_t middle;
        std::uint64_t end;
        asm volatile("rdcycle %0\n\t.rept 8\n\tnop\n\t.endr\n\trdcycle %1\n\t.rept 40\n\tnop\n\t.endr\n\trdcycle %2"
                     : "=&r"(start), "=&r"(middle), "=&r"(end));
        is_exact = is_exact && middle - start == 9 && end - middle == 41;
    }
    do_cpus_take_turns = is_exact;
}

void answer_requests() {
    clear_csr<Csr::sip>(software_interrupt);
    auto const asked = this_cpu().requests.exchange(0, std::memory_order_acquire);
    if ((asked & stop) != 0)
        halt_forever();
    if ((asked & reschedule) != 0)
        sched::reschedule_interrupt();
}

}  // namespace astrata::kernel::arch

// On the idle thread's stack, on the kernel's tables; tp is the CPU's data.
extern "C" [[noreturn]] void secondary_begin() {
    using namespace astrata::kernel;
    auto& cpu = arch::this_cpu();
    arch::set_up_this_cpu(cpu);
    cpu.active_root = mem::kernel_root().value;
    arch::handshake.store(arch::Handshake::arrived, std::memory_order_release);
    while (arch::handshake.load(std::memory_order_acquire) != arch::Handshake::go)
        arch::pause();
    arch::listen_for_interrupts();
    sched::register_cpu(*cpu.idle_thread);
    sched::enter_idle();
}
