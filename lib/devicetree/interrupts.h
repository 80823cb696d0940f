// Interrupt specifiers (Devicetree Specification 0.4, section 2.4), in the numbers that Bedrock's interrupt lines have.
#pragma once

#include "lib/devicetree/tree.h"

namespace astrata::devicetree {

struct InterruptLine {
    std::uint32_t line = 0;  ///< the controller's own number: the INTID of a GIC, the source of a PLIC or APLIC
    bool is_edge = false;
    bool is_active_low = false;
};

/// Entry `index` of a node's "interrupts", for its interrupt parent (section 2.4.1).
/// errors    not_found (no such entry), not_supported (a controller of unknown kind), corrupt
[[nodiscard]] Result<InterruptLine> interrupt_of(Tree const& tree, Node node, std::size_t index = 0);
/// One specifier of the given controller, taken from `cells`.
/// errors    not_supported, corrupt
[[nodiscard]] Result<InterruptLine> take_specifier(Tree const& tree, Node controller, Cells& cells);

}  // namespace astrata::devicetree
