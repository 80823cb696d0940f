// Which address space a CPU has, and who keeps it alive: the same on every machine.
#include <utility>

#include "arch/address_space_switch.h"
#include "arch/cpu.h"
#include "arch/smp.h"
#include "arch/thread_state.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/tlb.h"
#include "kernel/sched/reaper.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel::arch {

void keep_space(PerCpu& cpu) {
    auto* const space = cpu.entered.space.load(std::memory_order_relaxed);
    if (space != nullptr && cpu.is_space_borrowed) {
        space->add_reference();
        cpu.is_space_borrowed = false;
    }
}

void release_kept_space(PerCpu& cpu, AddressSpace& space) {
    cpu.is_space_borrowed = true;
    if (!space.drop_reference_unless_last())
        hand_to_reaper(space);
}

void activate_space(Thread& thread) {
    auto& cpu = this_cpu();
    auto* const space = thread.native_space();
    if (space == nullptr) {
        keep_space(cpu);
        return;
    }
    auto* const former = cpu.entered.space.load(std::memory_order_relaxed);
    enter_space<Processors::several>(cpu, *space);
    use_root(cpu, cpu.restricted != nullptr ? space->restricted_root().value : cpu.full_root);
    // The thread keeps its space alive, and the one before is not used any more.
    if (!cpu.is_space_borrowed)
        release_kept_space(cpu, *former);
}

// Returns the space if this CPU held a reference to it, which is the caller's now.
static AddressSpace* stop_using_space() {
    auto const state = disable_interrupts();
    auto& cpu = this_cpu();
    auto* const former = cpu.entered.space.load(std::memory_order_relaxed);
    announce_space<Processors::several>(cpu, nullptr, nullptr);
    use_root(cpu, mem::kernel_root().value);
    // Nobody needs to tell this CPU about the old one any more.
    announce_space<Processors::several>(cpu, nullptr, nullptr);
    bool const is_held = !std::exchange(cpu.is_space_borrowed, true);
    restore_interrupts(state);
    return is_held ? former : nullptr;
}

void leave_space() {
    if (auto* const held = stop_using_space(); held != nullptr)
        held->drop_reference();
}

void leave_space_when_idle() {
    if (auto* const held = stop_using_space(); held != nullptr && !held->drop_reference_unless_last())
        hand_to_reaper(*held);
}

}  // namespace astrata::kernel::arch

namespace astrata::kernel::tlb {

CpuMask users_of(AddressSpace const& space) {
    CpuMask users = 0;
    for (std::uint32_t index = 0; index < arch::cpu_count(); ++index) {
        auto const& cpu = arch::cpu(index);
        for (auto const* used : {&cpu.entered, &cpu.left}) {
            if (used->space.load(std::memory_order_relaxed) == &space ||
                used->home.load(std::memory_order_relaxed) == &space)
                users |= CpuMask{1} << index;
        }
    }
    return users;
}

}  // namespace astrata::kernel::tlb
