// The generated system-call functions.
#include <cstdint>

#include "abi/message.h"
#include "abi/types.h"

namespace abi = astrata::abi;

// How the kernel is entered: see enter_kernel.h.
#include "sdk/vdso/enter_kernel.h"

#include "abi/vdso_calls.inc"
