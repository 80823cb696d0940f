// The vDSO in every process (sdk/vdso).
#pragma once

#include <cstdint>

#include "kernel/mem/account.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class AddressSpace;

/// Makes the objects that processes map; once, after clock::settle.
/// errors    no_memory
[[nodiscard]] Result<> prepare_vdso(Account& account);
/// Puts code and data at a random place (lib/start/layout.h), which it returns, and has what is mapped later begin at
/// another. errors    no_memory
[[nodiscard]] Result<VirtAddr> furnish_home(AddressSpace& home);
void set_wall_offset(std::uint64_t offset_ns);

/// Counter ticks from reset to the first instruction of foreign code; 0 before it has run.
[[nodiscard]] std::uint64_t first_user_ticks();
void note_first_user_instruction();

}  // namespace astrata::kernel
