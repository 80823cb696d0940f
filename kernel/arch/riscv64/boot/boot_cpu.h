// Bringing up CPUs: shared between the boot path and smp.cc.
#pragma once

#include "arch/per_cpu.h"
#include "kernel/mem/account.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

/// The executing CPU's data, and where its traps go; all interrupts are off still.
void set_up_this_cpu(PerCpu& cpu);
/// From now on it hears of timers, other CPUs and devices.
void listen_for_interrupts();

/// Before other CPUs start.
void find_out_about_turns();
void register_boot_cpu(PerCpu& cpu);
/// The boot CPU's emergency stack gets a guard page, once there is memory management. errors    no_memory
Result<> guard_boot_cpu(Account& account);
/// Notes a hart that the machine has: it has an index from now on, and start_cpu starts it.
/// errors    no_memory, no_resources (cpu_limit)
Result<> list_cpu(std::uint32_t hart, Account& account);

}  // namespace astrata::kernel::arch
