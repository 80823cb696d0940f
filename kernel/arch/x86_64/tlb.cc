// TLB shootdown by inter-processor interrupt. One at a time; the CPUs concerned answer by counting down.
#include "kernel/mem/tlb.h"

#include "arch/tlb_interrupt.h"

#include <atomic>
#include <bit>

#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/arch/x86_64/local_apic.h"
#include "kernel/sched/scheduler.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel {

namespace {

// Beyond this many pages, reloading CR3 is cheaper than one invlpg each.
constexpr std::uint64_t page_limit = 32;

struct Request {
    std::atomic<std::uint64_t> start = 0;
    std::atomic<std::uint64_t> pages = 0;
    std::atomic<bool> is_global = false;
    std::atomic<CpuMask> pending = 0;
};
constinit Request request;
// Waiting for the lock goes on with interrupts on, so that two CPUs that want each other's answer both get it.
constinit std::atomic<bool> is_busy = false;

void flush_here(std::uint64_t start, std::uint64_t pages, bool is_global) {
    if (pages <= page_limit) {
        for (std::uint64_t page = 0; page < pages; ++page)
            arch::flush_tlb_page(start + page * page_size);
    } else if (is_global && !arch::features.isolates_page_tables) {
        // Toggling CR4.PGE drops global entries too.
        auto const cr4 = arch::read_cr4();
        arch::write_cr4(cr4 & ~std::uint64_t{0x80});
        arch::write_cr4(cr4);
    } else {
        arch::write_cr3(arch::read_cr3());
    }
}

void flush_everywhere(CpuMask targets, std::uint64_t start, std::uint64_t pages, bool is_global) {
    arch::disable_preemption();
    auto const own = std::uint64_t{1} << arch::cpu_index();
    if ((targets & own) != 0)
        flush_here(start, pages, is_global);
    auto const others = targets & ~own & sched::online_mask();
    if (others != 0) {
        while (is_busy.exchange(true, std::memory_order_acquire)) {
            arch::pause();
            // With interrupts off this CPU could not answer the one that is being served.
            if (!arch::are_interrupts_enabled())
                tlb::answer_request();
        }
        request.start.store(start, std::memory_order_relaxed);
        request.pages.store(pages, std::memory_order_relaxed);
        request.is_global.store(is_global, std::memory_order_relaxed);
        request.pending.store(others, std::memory_order_release);
        for (auto rest = others; rest != 0; rest &= rest - 1)
            arch::send_interrupt(arch::cpu(static_cast<std::uint32_t>(std::countr_zero(rest))).hardware_id,
                                 arch::tlb_flush_vector);
        while (request.pending.load(std::memory_order_acquire) != 0)
            arch::pause();
        is_busy.store(false, std::memory_order_release);
    }
    arch::enable_preemption();
}

}  // namespace

namespace tlb {

void answer_request() {
    auto const own = std::uint64_t{1} << arch::cpu_index();
    if ((request.pending.load(std::memory_order_acquire) & own) == 0)
        return;
    flush_here(request.start.load(std::memory_order_relaxed), request.pages.load(std::memory_order_relaxed),
               request.is_global.load(std::memory_order_relaxed));
    request.pending.fetch_and(~own, std::memory_order_release);
}

void flush_own() {
    flush_here(0, ~std::uint64_t{0}, true);
}

void flush_range(CpuMask active, PhysAddr, PhysAddr, VirtAddr start, std::uint64_t pages) {
    flush_everywhere(active, start.value, pages, false);
}

void flush_kernel_range(VirtAddr start, std::uint64_t pages) {
    flush_everywhere(~CpuMask{0}, start.value, pages, true);
}

}  // namespace tlb

}  // namespace astrata::kernel
