// What the processor says about itself.
#pragma once

#include "abi/types.h"
#include "lib/start/vdso_data.h"

namespace astrata::kernel::arch {

/// Names, version numbers and features, as firmware and devicetree tell them.
void identify_processor(abi::CpuInfo& info);

/// What the vDSO tells programs about it.
void describe_processor(VdsoData& data);

}  // namespace astrata::kernel::arch
