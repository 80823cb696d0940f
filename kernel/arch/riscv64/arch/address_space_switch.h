// Which page tables a CPU uses.
#pragma once

#include <utility>

#include "arch/cpu.h"
#include "arch/paging.h"
#include "kernel/ipc/processors.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel::arch {

[[gnu::always_inline]] inline void use_root(PerCpu& cpu, std::uint64_t root) {
    if (cpu.active_root == root)
        return;
    cpu.active_root = root;
    write_root(root);
}

/// Gives up the reference that a CPU held while code in the kernel's half ran.
void release_kept_space(PerCpu& cpu, AddressSpace& space);

/// Other CPUs that change page tables must know who uses them: the new space is announced before its root is loaded,
/// the old one stays announced until after. With one CPU that changes them itself, the old one does not matter.
template <Processors processors>
[[gnu::always_inline]] inline void announce_space(PerCpu& cpu, AddressSpace* space, AddressSpace const* home) {
    if constexpr (processors == Processors::several) {
        cpu.left.space.store(cpu.entered.space.load(std::memory_order_relaxed), std::memory_order_relaxed);
        cpu.left.home.store(cpu.entered.home.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    cpu.entered.space.store(space, std::memory_order_relaxed);
    cpu.entered.home.store(home, std::memory_order_relaxed);
    // Before the processor reads anything through the root that it is about to load: sfence.vma orders this hart alone.
    if constexpr (processors == Processors::several)
        std::atomic_thread_fence(std::memory_order_seq_cst);
}

/// The space becomes the CPU's, in the native view. Interrupts are off, and the thread that was current before was a
/// user thread and still exists, so that its space does.
template <Processors processors>
[[gnu::always_inline]] inline void enter_space(PerCpu& cpu, AddressSpace& space) {
    if (cpu.entered.space.load(std::memory_order_relaxed) == &space)
        return;
    announce_space<processors>(cpu, &space, space.home());
    auto const root = space.native_root().value;
    cpu.full_root = cpu.active_root = root;
    write_root(root);
}

}  // namespace astrata::kernel::arch
