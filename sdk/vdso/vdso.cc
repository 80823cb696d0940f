// The generated system-call functions.
#include <cstdint>

#include "abi/message.h"
#include "abi/types.h"

namespace abi = astrata::abi;

#include "abi/vdso_calls.inc"
