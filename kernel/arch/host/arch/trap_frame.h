// Host tests enter nothing.
#pragma once

namespace astrata::kernel::arch {

struct TrapFrame {};

}  // namespace astrata::kernel::arch
