// The generated system-call functions.
#include <cstdint>

#include "abi/message.h"
#include "abi/types.h"

#include "machine/enter_kernel.h"

namespace abi = astrata::abi;
using astrata::enter_kernel;

#include "abi/vdso_calls.inc"
