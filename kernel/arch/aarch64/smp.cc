// Starting the other processors (PSCI) and talking to them.
#include "arch/smp.h"

#include <algorithm>
#include <array>
#include <span>

#include "arch/cpu.h"
#include "arch/paging.h"
#include "kernel/arch/aarch64/boot/boot_cpu.h"
#include "kernel/arch/aarch64/features.h"
#include "kernel/arch/aarch64/firmware.h"
#include "kernel/arch/aarch64/interrupt_controller.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sched/thread.h"
#include "kernel/time/clock.h"
#include "kernel/trap/panic.h"

extern "C" {
extern std::byte const boot_entry[];
extern std::byte const boot_text_end[];
extern std::byte const boot_root[];
extern std::byte const secondary_entry[];
}

namespace astrata::kernel::arch {

namespace {

constinit std::array<PerCpu*, cpu_limit> cpus{};
constinit std::atomic<std::uint32_t> count = 0;
constinit Account* root_account = nullptr;

// A loaded host may not run a virtual CPU for a long time.
constexpr std::uint64_t patience_ns = 5'000'000'000;
constexpr std::size_t emergency_stack_bytes = 8192;

PhysAddr physical(void const* place) {
    return {reinterpret_cast<std::uint64_t>(place) - layout::image.value};
}

// A processor that starts has its caches off. The smallest line there is.
void write_back(std::uint64_t start, std::uint64_t end) {
    constexpr std::uint64_t line = 16;
    for (auto at = start; at < end; at += line)
        asm volatile("dc cvac, %0" ::"r"(at) : "memory");
    asm volatile("dsb sy" ::: "memory");
}

// The early tables still show the image where it is in memory; with the final kernel half they show its place, too.
void prepare_entry() {
    auto const entries = mem::table_entries(physical(boot_root));
    std::ranges::fill(entries.last<paging::entries_per_table / 2>(), paging::Entry{0});
    mem::copy_kernel_half(entries);
    auto const tables = reinterpret_cast<std::uint64_t>(boot_root);
    write_back(tables, tables + 2 * page_size);   // and boot_pointers_low behind it
    write_back(reinterpret_cast<std::uint64_t>(boot_entry), reinterpret_cast<std::uint64_t>(boot_text_end));
}

Result<> prepare_data(PerCpu& cpu) {
    if (cpu.emergency_stack == 0) {
        auto* const memory = mem::heap_allocate(emergency_stack_bytes);
        if (memory == nullptr)
            return fail(Error::no_memory);
        cpu.emergency_stack = reinterpret_cast<std::uint64_t>(memory) + emergency_stack_bytes;
    }
    if (cpu.idle_thread == nullptr) {
        auto idle = TRY(Thread::create_kernel(*root_account, "idle", nullptr, nullptr));
        cpu.idle_thread = cpu.current = idle.get();
        cpu.kernel_stack = idle->arch.stack_top;
        (void)idle.leak();
    }
    return {};
}

}  // namespace

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

Result<> list_cpu(std::uint64_t affinity, Account& account) {
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
    cpu.affinity = affinity;
    cpu.hardware_id = static_cast<std::uint32_t>(affinity);
    cpus[index] = &cpu;
    count.store(index + 1, std::memory_order_release);
    return {};
}

Result<> start_cpu(PerCpu& cpu) {
    TRY(prepare_data(cpu));
    // switch_directly has been shown to work with one CPU alone.
    close_fast_path(FastPathCloser::several_processors, true);
    prepare_entry();
    // Until now it was not busy.
    cpu.idle_ticks = clock::ticks_for(clock::now().value);
    cpu.is_started = true;
    auto const result = call_firmware(FirmwareFunction::start_processor, cpu.affinity, physical(secondary_entry).value,
                                      reinterpret_cast<std::uint64_t>(&cpu));
    // One that was too slow at an earlier attempt is on its way.
    if (result != success && result != already_on && result != on_pending) {
        cpu.is_started = false;
        return fail(Error::not_supported);
    }
    auto const give_up = clock::now() + patience_ns;
    while (!cpu.is_online.load(std::memory_order_acquire) && clock::now() < give_up)
        pause();
    return cpu.is_online ? ok() : fail(Error::timed_out);
}

void interrupt_cpu(std::uint32_t index) {
    send_interrupt(*cpus[index], SoftwareInterrupt::reschedule);
}

void stop_other_cpus() {
    auto const own = this_cpu().index;
    for (std::uint32_t i = 0; i < cpu_count(); ++i) {
        if (i != own && cpus[i]->is_started)
            send_interrupt(*cpus[i], SoftwareInterrupt::stop);
    }
}

}  // namespace astrata::kernel::arch

extern "C" [[noreturn]] void secondary_start(astrata::kernel::arch::PerCpu* cpu) {
    using namespace astrata::kernel;
    arch::set_this_cpu(*cpu);
    arch::enable_features();
    cpu->active_root = mem::kernel_root().value;
    arch::load_root(mem::kernel_root());
    if (!arch::open_interrupt_interface(*cpu))
        panic("a CPU has no interrupt interface");
    sched::register_cpu(*cpu->idle_thread);
    sched::enter_idle();
}
