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
/// Starts an application processor and waits until it has arrived in its idle loop.
/// errors    no_memory, no_resources, timed_out (it does not answer)
Result<> start_cpu(std::uint32_t apic_id, Account& account);

}  // namespace astrata::kernel::arch
