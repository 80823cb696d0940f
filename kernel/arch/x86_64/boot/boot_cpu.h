// Bringing up CPUs: shared between the boot path and smp.cc.
#pragma once

#include <array>
#include <cstdint>

#include "arch/cpu.h"
#include "arch/per_cpu.h"
#include "kernel/mem/account.h"
#include "kernel/mem/tlb.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

inline void set_this_cpu(PerCpu& cpu) {
    constexpr std::uint32_t msr_gs_base = 0xc000'0101;
    write_msr(msr_gs_base, reinterpret_cast<std::uint64_t>(&cpu));
}

extern std::array<std::array<std::uint64_t, 3>, cpu_limit> cpu_stack_tops;

void register_boot_cpu(PerCpu& cpu);
/// The boot CPU's exception stacks get guard pages, once there is memory management.
Result<> guard_boot_cpu(Account& account);
/// Notes a processor that the machine has or may get: it has an index from now on, and start_cpu starts it.
/// errors    no_memory, no_resources (cpu_limit)
Result<> list_cpu(std::uint32_t apic_id, Account& account);

}  // namespace astrata::kernel::arch
