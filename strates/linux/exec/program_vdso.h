// The vDSO that every program finds in its memory (program_vdso/): made once, mapped by each execve.
#pragma once

#include <cstdint>

#include "strates/linux/core/errno.h"
#include "strates/linux/memory/memory.h"

namespace astrata::linux_abi {

/// Once, before the first program runs.
/// errors    no_memory
[[nodiscard]] Result<> prepare_program_vdso();

/// Where in it handlers of signals return to, relative to its ELF header; 0: nowhere.
[[nodiscard]] std::uint64_t signal_return_offset();

/// Maps it, with the clock's page in front, and returns where its ELF header lies (AT_SYSINFO_EHDR).
/// errors    enomem
[[nodiscard]] LinuxResult<std::uint64_t> map_program_vdso(Memory& memory);

}  // namespace astrata::linux_abi
