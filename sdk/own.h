// The process's own handles, for code that is called from everywhere: heap, log, memory, threads. The Environment owns
// them.
#pragma once

#include <cstdint>

#include "abi/message.h"
#include "lib/base/units.h"
#include "lib/start/vdso_data.h"

namespace astrata::sdk {

struct Own {
    abi::Handle process = 0;
    abi::Handle home = 0;
    abi::Handle silo = 0;
    abi::Handle log = 0;
    std::uint64_t stack_area = 0;   ///< where the slots of thread stacks begin
    std::uint64_t vdso = 0;  ///< where Bedrock mapped it; the page before it holds a VdsoData
};

/// Set by the start-up code before anything else runs.
Own& own();

/// What Bedrock says of the machine.
[[nodiscard]] inline VdsoData const& machine() {
    return *reinterpret_cast<VdsoData const*>(own().vdso - page_size);
}

}  // namespace astrata::sdk
