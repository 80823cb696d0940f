// What the processor says about itself.
#pragma once

#include "abi/types.h"

namespace astrata::kernel::arch {

/// Names, version numbers and features, as firmware and devicetree tell them.
void identify_processor(abi::CpuInfo& info);

}  // namespace astrata::kernel::arch
