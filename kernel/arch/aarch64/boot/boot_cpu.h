// Bringing up CPUs: shared between the boot path and smp.cc.
#pragma once

#include <cstdint>

#include "arch/cpu.h"
#include "arch/per_cpu.h"
#include "kernel/mem/account.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

inline void set_this_cpu(PerCpu& cpu) {
    ASTRATA_WRITE_REGISTER("tpidr_el1", reinterpret_cast<std::uint64_t>(&cpu));
    asm volatile("mov x18, %0" ::"r"(&cpu) : "memory");
}

/// The parts of MPIDR_EL1 that say which processor it is (Arm ARM, section D23.2.108).
inline constexpr std::uint64_t affinity_mask = 0xff'00ff'ffff;

void register_boot_cpu(PerCpu& cpu);
/// Notes a processor that the machine has: it has an index from now on, and start_cpu starts it.
/// errors    no_memory, no_resources (cpu_limit)
Result<> list_cpu(std::uint64_t affinity, Account& account);

}  // namespace astrata::kernel::arch
