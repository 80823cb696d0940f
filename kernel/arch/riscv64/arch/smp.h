// Other CPUs: their data, starting them, interrupting them.
#pragma once

#include <cstdint>

#include "arch/per_cpu.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

/// The data of CPU `index`, which exists: below cpu_count().
[[nodiscard]] PerCpu& cpu(std::uint32_t index);
[[nodiscard]] std::uint32_t cpu_count();
/// Starts a CPU that was listed and has not been started yet, and waits until it is online.
/// errors    no_memory, timed_out (it does not answer; its data stays for another attempt)
Result<> start_cpu(PerCpu& cpu);
/// Makes the CPU look at its run queue.
void interrupt_cpu(std::uint32_t index);
/// Stops every other CPU for good: before a reset, after a panic. Debuggers stop here.
[[gnu::noinline]] void stop_other_cpus();

}  // namespace astrata::kernel::arch
