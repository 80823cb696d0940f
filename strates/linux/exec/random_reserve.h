// Random bytes for new programs: where their parts lie, and AT_RANDOM. Bedrock makes a key for each answer, which costs
// more than the bytes, so they are fetched many at once.
#pragma once

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::linux_abi {

/// Each byte is handed out once, and not kept.
/// into      at most 64 bytes
[[nodiscard]] Result<> take_random(MutableBytes into);

}  // namespace astrata::linux_abi
