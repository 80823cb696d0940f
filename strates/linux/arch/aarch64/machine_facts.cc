#include "strates/linux/exec/machine.h"

#include "sdk/own.h"
#include "strates/linux/arch/aarch64/capabilities.h"

namespace astrata::linux_abi {

// Only Bedrock can ask the processor; it says what it asked for.
MachineFacts machine_facts() {
    using namespace aarch64::capability;
    return {.capabilities =
                floating_point.bit | vectors.bit | (sdk::machine().has_atomic_instructions ? atomics.bit : 0)};
}

}  // namespace astrata::linux_abi
