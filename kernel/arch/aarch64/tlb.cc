// TLB shootdown: processors tell each other by instruction (Arm ARM DDI 0487, section D8.14: TLBI, inner shareable),
// and DSB waits until all have done it. Nobody is interrupted, so that there is nothing to answer.
#include "kernel/mem/tlb.h"

#include "arch/cpu.h"
#include "arch/smp.h"

namespace astrata::kernel::tlb {

namespace {

// Beyond this many pages, forgetting everything is cheaper than one instruction each.
constexpr std::uint64_t page_limit = 64;

void flush_all() {
    asm volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

// Of all address spaces.
void flush_pages(VirtAddr start, std::uint64_t pages) {
    asm volatile("dsb ishst" ::: "memory");
    for (std::uint64_t page = 0; page < pages; ++page) {
        auto const operand = (start.value / page_size + page) & 0xfff'ffff'ffff;
        asm volatile("tlbi vaae1is, %0" ::"r"(operand) : "memory");
    }
    asm volatile("dsb ish\n\tisb" ::: "memory");
}

void flush(VirtAddr start, std::uint64_t pages) {
    if (pages <= page_limit)
        flush_pages(start, pages);
    else
        flush_all();
}

}  // namespace

void flush_own() {
    asm volatile("dsb nshst\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

void flush_range(CpuMask, PhysAddr, PhysAddr, VirtAddr start, std::uint64_t pages) {
    flush(start, pages);
}

void flush_kernel_range(VirtAddr start, std::uint64_t pages) {
    flush(start, pages);
}

}  // namespace astrata::kernel::tlb
