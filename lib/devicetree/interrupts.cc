#include "lib/devicetree/interrupts.h"

namespace astrata::devicetree {

namespace {

constexpr int depth_limit = 16;

std::uint32_t specifier_cells(Tree const& tree, Node controller) {
    return static_cast<std::uint32_t>(tree.number(controller, "#interrupt-cells").value_or(0));
}

// Flags that GIC and APLIC share: 1 rising edge, 2 falling edge, 4 high level, 8 low level.
InterruptLine with_flags(std::uint32_t line, std::uint64_t flags) {
    return {.line = line, .is_edge = (flags & 3) != 0, .is_active_low = (flags & 10) != 0};
}

// Which controller the specifiers of a node's "interrupts" are for (section 2.4.1).
std::optional<Node> interrupt_parent(Tree const& tree, Node node) {
    std::optional<Node> place = node;
    for (int depth = 0; place && depth < depth_limit; ++depth) {
        if (auto const handle = tree.number(*place, "interrupt-parent"); handle)
            return tree.by_handle(static_cast<std::uint32_t>(*handle));
        place = tree.parent(*place);
        if (place && tree.property(*place, "interrupt-controller"))
            return place;
    }
    return std::nullopt;
}

}  // namespace

Result<InterruptLine> take_specifier(Tree const& tree, Node controller, Cells& cells) {
    auto const count = specifier_cells(tree, controller);
    // GIC: kind (0 shared, 1 private), number, flags. Private lines begin at 16, shared ones at 32 (Arm GIC
    // architecture, chapter 2).
    if (count == 3 &&
        (tree.is_compatible(controller, "arm,gic-v3") || tree.is_compatible(controller, "arm,cortex-a15-gic") ||
         tree.is_compatible(controller, "arm,gic-400"))) {
        auto const kind = TRY(cells.take());
        auto const number = static_cast<std::uint32_t>(TRY(cells.take()));
        auto const flags = TRY(cells.take());
        return with_flags(number + (kind == 0 ? 32 : 16), flags);
    }
    if (count == 1 &&
        (tree.is_compatible(controller, "riscv,plic0") || tree.is_compatible(controller, "sifive,plic-1.0.0")))
        return InterruptLine{.line = static_cast<std::uint32_t>(TRY(cells.take()))};
    if (count == 2 && tree.is_compatible(controller, "riscv,aplic")) {
        auto const number = static_cast<std::uint32_t>(TRY(cells.take()));
        return with_flags(number, TRY(cells.take()));
    }
    return fail(Error::not_supported);
}

Result<InterruptLine> interrupt_of(Tree const& tree, Node node, std::size_t index) {
    auto const controller = interrupt_parent(tree, node);
    auto const value = tree.property(node, "interrupts");
    if (!value || !controller)
        return fail(Error::not_found);
    Cells cells(*value);
    auto const count = specifier_cells(tree, *controller);
    if (count == 0 || !cells.skip(index * count) || cells.count() < count)
        return fail(Error::not_found);
    return take_specifier(tree, *controller, cells);
}

}  // namespace astrata::devicetree
