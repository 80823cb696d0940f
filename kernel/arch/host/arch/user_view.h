// Page-table isolation, which the host's tests do without.
#pragma once

#include "lib/base/units.h"

namespace astrata::kernel::arch {

inline bool has_user_views() {
    return false;
}
inline PhysAddr user_view_of(PhysAddr root) {
    return root;
}
inline PhysAddr user_view_root() {
    return {};
}

}  // namespace astrata::kernel::arch
