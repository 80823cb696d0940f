// What the strate got when it was started, for code deep inside that needs it.
#pragma once

#include "abi/message.h"

namespace astrata::linux_abi {

struct Host {
    abi::Handle self = 0;      ///< our Bedrock process
    abi::Handle home = 0;      ///< our own address space
    abi::Handle silo = 0;      ///< the silo: limits and accounting
};

/// Set once by main before anything else runs.
[[nodiscard]] Host& host();

}  // namespace astrata::linux_abi
