// Where the console's registers are seen from the first page tables on: there is no other mapping of them until there
// is memory management, and that one would come too late for reports of what goes wrong before.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel::arch {

/// The beginning of the image's root slot, whose end the image is at; 2 MiB.
inline constexpr VirtAddr console_window{0xffff'ff80'0000'0000};

/// Shows the registers at a physical address, in the early page tables.
void open_console_window(PhysAddr registers);
/// Has a kernel root show them, too.
void keep_console_window(PhysAddr root);

}  // namespace astrata::kernel::arch
