// User mode uses the kernel's page tables: the machines we run on check permissions before they speculate.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel::arch {

[[nodiscard]] constexpr bool has_user_views() {
    return false;
}
[[nodiscard]] constexpr PhysAddr user_view_of(PhysAddr root) {
    return root;
}
[[nodiscard]] constexpr PhysAddr user_view_root() {
    return {};
}

}  // namespace astrata::kernel::arch
