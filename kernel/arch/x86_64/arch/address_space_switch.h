// Which page tables a CPU uses.
#pragma once

#include <utility>

#include "arch/cpu.h"
#include "kernel/arch/x86_64/features.h"
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

/// What was learnt of branches in one space does not steer speculation in the next (IBPB of IA32_PRED_CMD).
[[gnu::always_inline]] inline void forget_branches() {
    constexpr std::uint32_t msr_prediction_command = 0x49;
    write_msr(msr_prediction_command, 1);
}

/// Gives up a reference that a CPU held while a kernel thread ran.
[[clang::preserve_most]] void release_former_space(AddressSpace& former);

/// The space that the user thread's native code sees becomes the CPU's, in the native view. Interrupts are off, and the
/// thread that was current before still exists, so that its space does.
[[gnu::always_inline]] inline void enter_space_of(PerCpu& cpu, Thread& thread) {
    auto* const space = thread.guest_space ? thread.guest_space.get() : &thread.process().home();
    if (cpu.active_space == space)
        return;
    space->activate(cpu.index);
    auto* const former = std::exchange(cpu.active_space, space);
    cpu.full_root = space->native_root().value;
    use_root(cpu, cpu.full_root);
    if (features.speculation_controls.is_barrier_on_switch) [[unlikely]]
        forget_branches();
    if (former == nullptr)
        return;
    former->deactivate(cpu.index);
    if (!std::exchange(cpu.is_space_borrowed, true)) [[unlikely]]
        release_former_space(*former);
}

}  // namespace astrata::kernel::arch
