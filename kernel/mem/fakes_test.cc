#include "kernel/mem/fakes_test.h"

#include <thread>

#include "arch/cpu.h"
#include "kernel/mem/memory_object.h"
#include "kernel/mem/pager.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/reaper.h"
#include "kernel/sync/mutex.h"

namespace astrata::kernel {

namespace tlb {

CpuMask users_of(AddressSpace const& space) {
    return fakes.used_spaces.contains(&space) ? 1 : 0;
}

void flush_range(CpuMask, PhysAddr, PhysAddr, VirtAddr start, std::uint64_t pages) {
    ++fakes.flushes;
    fakes.flushed_pages += pages;
    if (fakes.on_flush)
        fakes.on_flush(start, pages);
}
void flush_kernel_range(VirtAddr, std::uint64_t) {}

}  // namespace tlb

void hand_to_reaper(KernelObject& object) {
    ++fakes.reaped;
    object.drop_reference();
}

Result<> request_pages(KernelObject&, MemoryObject& object, std::uint64_t key, std::uint64_t first_page,
                       std::uint64_t count) {
    return fakes.pager ? fakes.pager(object, key, first_page, count) : fail(Error::peer_closed);
}

void MutexCore::acquire_contended() {
    while (state_.exchange(2, std::memory_order_acquire) != 0) {
        arch::pause();
        std::this_thread::yield();
    }
}
void MutexCore::wake_waiter() {}

}  // namespace astrata::kernel
