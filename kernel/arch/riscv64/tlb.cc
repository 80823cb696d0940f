// Translations are dropped on other harts by the firmware (SBI 1.0, chapter 8), which waits for all of them; a hart
// that has interrupts off answers nevertheless.
#include "kernel/mem/tlb.h"

#include <atomic>
#include <bit>

#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/sched/scheduler.h"

namespace astrata::kernel {

namespace {

// Beyond this many pages, forgetting everything is cheaper.
constexpr std::uint64_t page_limit = 32;

void flush_here(std::uint64_t start, std::uint64_t pages) {
    if (pages > page_limit) {
        asm volatile("sfence.vma" ::: "memory");
        return;
    }
    for (std::uint64_t page = 0; page < pages; ++page)
        asm volatile("sfence.vma %0, zero" ::"r"(start + page * page_size) : "memory");
}

void flush_there(arch::PerCpu& cpu, std::uint64_t start, std::uint64_t pages) {
    constexpr std::uint64_t remote_sfence_vma = 1;
    bool const is_all = pages > page_limit;
    arch::sbi::call(arch::sbi::Extension::remote_fence, remote_sfence_vma, 1, cpu.hardware_id, is_all ? 0 : start,
                    is_all ? ~std::uint64_t{0} : pages * page_size);
    std::atomic_ref(cpu.tlb_shootdowns).fetch_add(1, std::memory_order_relaxed);
}

void flush_everywhere(CpuMask targets, std::uint64_t start, std::uint64_t pages) {
    arch::disable_preemption();
    auto const own = std::uint64_t{1} << arch::cpu_index();
    // What was written to the tables comes before what others read of them (sfence.vma orders this hart's alone).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if ((targets & own) != 0)
        flush_here(start, pages);
    for (auto rest = targets & ~own & sched::online_mask(); rest != 0; rest &= rest - 1)
        flush_there(arch::cpu(static_cast<std::uint32_t>(std::countr_zero(rest))), start, pages);
    arch::enable_preemption();
}

}  // namespace

namespace tlb {

void flush_own() {
    flush_here(0, ~std::uint64_t{0});
}

void flush_range(CpuMask active, PhysAddr, PhysAddr, VirtAddr start, std::uint64_t pages) {
    flush_everywhere(active, start.value, pages);
}

void flush_kernel_range(VirtAddr start, std::uint64_t pages) {
    flush_everywhere(~CpuMask{0}, start.value, pages);
}

}  // namespace tlb

}  // namespace astrata::kernel
