// What a process must know of the processors before it does anything else.
#pragma once

#include "lib/start/vdso_data.h"

namespace astrata::sdk {

inline void use_processor(VdsoData const&) {}

}  // namespace astrata::sdk
