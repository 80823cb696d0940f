// Programs have page tables of their own here (TTBR0_EL1): there is no view of the kernel half that they would need
// beside them.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel::arch {

[[nodiscard]] constexpr bool has_user_views() {
    return false;
}
[[nodiscard]] inline PhysAddr user_view_of(PhysAddr root) {
    return root;
}
[[nodiscard]] inline PhysAddr user_view_root() {
    return {};
}

}  // namespace astrata::kernel::arch
