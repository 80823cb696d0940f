// Setting up what user mode's page tables show of the kernel half; see arch/user_view.h.
#pragma once

#include "kernel/mem/account.h"
#include "lib/base/result.h"
#include "lib/paging/format.h"

namespace astrata::kernel::arch {

/// What all CPUs share: entry code and interrupt table.
/// errors    no_memory
[[nodiscard]] Result<> prepare_user_view();
/// Pages of the kernel half, by what the kernel's root maps there.
/// errors    no_memory
[[nodiscard]] Result<> show_in_user_view(VirtAddr start, std::uint64_t length, paging::Attributes attributes);

}  // namespace astrata::kernel::arch
