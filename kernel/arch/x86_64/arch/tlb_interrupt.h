// The receiving side of a TLB shootdown.
#pragma once

namespace astrata::kernel::tlb {

/// Drops what another CPU asked this one to drop, if it did. From the interrupt, or polled with interrupts off.
void answer_request();

}  // namespace astrata::kernel::tlb
