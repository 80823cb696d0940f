// Page-table isolation (docs/security.md): user mode has roots of its own, which show next to nothing of the kernel half, so that a
// processor which ignores permissions while it speculates finds nothing there.
#pragma once

#include "kernel/arch/x86_64/features.h"
#include "lib/base/units.h"

namespace astrata::kernel::arch {

/// Every root that user mode runs on is then the first of two neighbouring frames, aligned to both; the second is its user view.
[[nodiscard]] inline bool has_user_views() {
    return features.isolates_page_tables;
}
[[nodiscard]] inline PhysAddr user_view_of(PhysAddr root) {
    return root + page_size;
}
/// The root whose kernel half all views share. Its root entries do not change any more once the first view was made.
[[nodiscard]] PhysAddr user_view_root();

}  // namespace astrata::kernel::arch
