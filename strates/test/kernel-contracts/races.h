// Promises that hold while other threads do their worst.
#pragma once

#include "lib/base/result.h"

namespace astrata::kernel_contracts {

/// A handle without the right to be moved stays where it is, whatever is written into the sender's buffer meanwhile.
/// returns    how often one arrived all the same
[[nodiscard]] Result<unsigned> moves_of_handles_that_must_stay();

}  // namespace astrata::kernel_contracts
