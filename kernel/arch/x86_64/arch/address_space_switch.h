// Which page tables a CPU uses.
#pragma once

#include <utility>

#include "arch/cpu.h"
#include "kernel/mem/address_space.h"
#include "kernel/object/process.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel::arch {

[[gnu::always_inline]] inline void use_root(PerCpu& cpu, std::uint64_t root) {
    if (cpu.active_root == root)
        return;
    cpu.active_root = root;
    write_cr3(root);
}

/// Gives up a reference that a CPU held while a kernel thread ran.
[[clang::preserve_most]] void release_former_space(AddressSpace& former);

/// Other CPUs that change page tables must know who uses them: the new space is announced before its root is loaded, the old one
/// stays announced until after.
[[gnu::always_inline]] inline void announce_space(PerCpu& cpu, AddressSpace* space, AddressSpace const* home) {
    cpu.left.space.store(cpu.entered.space.load(std::memory_order_relaxed), std::memory_order_relaxed);
    cpu.left.home.store(cpu.entered.home.load(std::memory_order_relaxed), std::memory_order_relaxed);
    cpu.entered.space.store(space, std::memory_order_relaxed);
    cpu.entered.home.store(home, std::memory_order_relaxed);
}

/// The space becomes the CPU's, in the native view. Interrupts are off, and the thread that was current before still exists, so that its
/// space does.
[[gnu::always_inline]] inline void enter_space(PerCpu& cpu, AddressSpace& space) {
    auto* const former = cpu.entered.space.load(std::memory_order_relaxed);
    if (former == &space)
        return;
    announce_space(cpu, &space, space.home());
    cpu.full_root = space.native_root().value;
    use_root(cpu, cpu.full_root);
    if (!std::exchange(cpu.is_space_borrowed, true)) [[unlikely]]
        release_former_space(*former);
}

}  // namespace astrata::kernel::arch
