// Reading the kernel's own log back.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/log/log_ring.h"

namespace astrata::kernel {

LogRing::ReadResult read_kernel_log(std::uint64_t position, std::span<char> into);

}  // namespace astrata::kernel
