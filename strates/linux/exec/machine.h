// What programs are told about the processor.
#pragma once

#include <cstdint>

namespace astrata::linux_abi {

struct MachineFacts {
    std::uint64_t capabilities = 0;        ///< AT_HWCAP
    std::uint64_t capabilities2 = 0;       ///< AT_HWCAP2
    std::uint64_t signal_frame_size = 0;   ///< AT_MINSIGSTKSZ
};

/// Asked from the processor. On a task's thread.
[[nodiscard]] MachineFacts machine_facts();

}  // namespace astrata::linux_abi
