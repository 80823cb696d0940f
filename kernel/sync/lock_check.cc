// Debug builds (-DASTRATA_CHECK_LOCKS=ON): every acquisition of a spin lock is checked against the order of LockRank.
#ifdef ASTRATA_CHECK_LOCKS

#include "arch/cpu.h"
#include "kernel/log/print.h"
#include "kernel/trap/panic.h"

namespace astrata::kernel {

void check_lock_order(std::uint64_t held_ranks, std::uint8_t rank) {
    if ((held_ranks >> rank) == 0) [[likely]]
        return;
    print("lock of rank ", rank, " taken while holding ranks ", hex(held_ranks));
    panic("lock order");
}

}  // namespace astrata::kernel

#endif
