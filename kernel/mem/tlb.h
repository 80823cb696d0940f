// What memory management needs from the machine to make other processors forget translations. Implemented beside the
// machine's interrupts.
#pragma once

#include <cstdint>

#include "lib/base/units.h"

namespace astrata::kernel {

/// One bit for each CPU.
using CpuMask = std::uint64_t;
inline constexpr unsigned cpu_limit = 64;

class AddressSpace;

namespace tlb {

/// The CPUs that may have translations of the space's pages: those that use one of its roots, or, of a home space, a root of a guest
/// space with that home.
[[nodiscard]] CpuMask users_of(AddressSpace const& space);

/// Removes the translations of `pages` pages from `start` on from the TLBs of the CPUs in `active` (which may include
/// this one); when it returns, none of them uses the old ones. The page tables were changed before. `restricted_root`
/// and `full_root` are the roots through which the pages were visible (equal for home spaces), for machines whose TLB
/// entries are tagged. A home space's pages are visible through the full roots of all guest spaces of its process; see
/// users_of.
/// context   preemption off is fine, interrupts are on: other CPUs are waited for
void flush_range(CpuMask active, PhysAddr restricted_root, PhysAddr full_root, VirtAddr start, std::uint64_t pages);

/// The same for kernel addresses, on all CPUs.
void flush_kernel_range(VirtAddr start, std::uint64_t pages);

/// Forgets everything on this CPU.
void flush_own();

}  // namespace tlb
}  // namespace astrata::kernel
