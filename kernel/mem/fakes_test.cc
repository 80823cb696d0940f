#include "kernel/mem/fakes_test.h"

#include <thread>

#include "kernel/mem/tlb.h"
#include "kernel/sync/mutex.h"

namespace astrata::kernel {

namespace tlb {

void flush_range(CpuMask, PhysAddr, PhysAddr, VirtAddr, std::uint64_t pages) {
    ++fakes.flushes;
    fakes.flushed_pages += pages;
}
void flush_kernel_range(VirtAddr, std::uint64_t) {}

}  // namespace tlb

void MutexCore::acquire_contended() {
    while (state_.exchange(2, std::memory_order_acquire) != 0)
        std::this_thread::yield();
}
void MutexCore::wake_waiter() {}

}  // namespace astrata::kernel
