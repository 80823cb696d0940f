// What programs are told about the processor.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct MachineFacts {
    std::uint64_t capabilities = 0;   ///< AT_HWCAP
    std::uint64_t capabilities2 = 0;  ///< AT_HWCAP2
};

/// Each machine has its own (arch/).
[[nodiscard]] MachineFacts machine_facts();

}  // namespace astrata::linux_abi
