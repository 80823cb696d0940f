// Interrupt specifiers (Devicetree Specification 0.4, section 2.4), in the numbers that Bedrock's interrupt lines have.
#pragma once

#include "lib/devicetree/tree.h"

namespace astrata::devicetree {

struct InterruptLine {
    std::uint32_t line = 0;  ///< the controller's own number: the INTID of a GIC, the source of a PLIC or APLIC
    bool is_edge = false;
    bool is_active_low = false;
};

/// Of a node's "interrupts" or "interrupts-extended".
/// errors    not_found (no such entry), not_supported (a controller of unknown kind), corrupt
[[nodiscard]] Result<InterruptLine> interrupt_of(Tree const& tree, Node node, std::size_t index = 0);
/// One specifier of the given controller, taken from `cells`.
/// errors    not_supported, corrupt
[[nodiscard]] Result<InterruptLine> take_specifier(Tree const& tree, Node controller, Cells& cells);
/// Which controller the specifiers of a node's "interrupts" are for (section 2.4.1).
[[nodiscard]] std::optional<Node> interrupt_parent(Tree const& tree, Node node);

/// The entries of an "interrupts-extended": where each goes, and the first cell of its specifier.
struct ExtendedInterrupt {
    Node controller;
    std::uint32_t first_cell = 0;
};
/// errors    not_found, corrupt
[[nodiscard]] Result<ExtendedInterrupt> extended_interrupt(Tree const& tree, Node node, std::size_t index);

}  // namespace astrata::devicetree
