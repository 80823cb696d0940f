// What the processor says about itself.
#pragma once

#include "abi/types.h"

namespace astrata::kernel::arch {

/// Of the executing CPU: names, version numbers and features.
void identify_processor(abi::CpuInfo& info);

}  // namespace astrata::kernel::arch
