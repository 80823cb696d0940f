// What this processor can do, read from its identification registers once (Arm ARM DDI 0487, section D23.2).
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

struct Features {
    bool has_pan = false;             // FEAT_PAN: kernel mode reaches user pages only where it says so
    bool has_random = false;          // FEAT_RNG
    bool has_atomics = false;         // FEAT_LSE
    bool has_branch_targets = false;  // FEAT_BTI
    bool has_pointer_authentication = false;
    bool has_interrupt_registers = false;  // GICv3's CPU interface
};

/// The boot CPU's; valid after detect_features.
extern Features features;
void detect_features();
/// Switches on what was detected, on this CPU.
void enable_features();

}  // namespace astrata::kernel::arch
