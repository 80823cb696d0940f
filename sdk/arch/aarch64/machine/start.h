// What a process must know of the processors before it does anything else.
#pragma once

#include "lib/start/vdso_data.h"

extern "C" [[gnu::visibility("hidden")]] unsigned char __aarch64_have_lse_atomics;  // lib/freestanding/arch/aarch64

namespace astrata::sdk {

inline void use_processor(VdsoData const& data) {
    __aarch64_have_lse_atomics = data.has_atomic_instructions ? 1 : 0;
}

}  // namespace astrata::sdk
