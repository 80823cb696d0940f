// One Linux process as the Personality interface shows it.
#pragma once

#include <optional>

#include "abi/silo_manager_types.h"

namespace astrata::linux_abi {

/// The process with the lowest id above `after`.
[[nodiscard]] std::optional<abi::LinuxProcessInfo> next_process_report(std::uint32_t after);

}  // namespace astrata::linux_abi
