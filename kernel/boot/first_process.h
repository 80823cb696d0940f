// The silo manager, out of the boot archive: the one process that Bedrock itself starts, with a handle to everything.
#pragma once

#include "kernel/boot/boot_info.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class Silo;

/// errors    not_found (no archive, or no silo manager in it), bad_executable, corrupt, no_memory
[[nodiscard]] Result<> start_first_process(BootInfo const& info, Silo& root);

}  // namespace astrata::kernel
