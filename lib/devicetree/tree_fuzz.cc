// Any bytes as a devicetree: whatever is accepted can be read through without harm.
#include <algorithm>
#include <vector>

#include "lib/devicetree/interrupts.h"
#include "lib/devicetree/pci_host.h"

using namespace astrata;
using namespace astrata::devicetree;

namespace {

void visit(Tree const& tree, Node node, int depth) {
    (void)tree.name(node);
    (void)tree.text(node, "compatible");
    (void)tree.number(node, "phandle");
    (void)tree.is_enabled(node);
    for (std::size_t index = 0; index < 4; ++index) {
        (void)tree.registers(node, index);
        (void)interrupt_of(tree, node, index);
    }
    if (depth == 0)
        return;
    for (auto child = tree.first_child(node); child; child = tree.next_sibling(*child))
        visit(tree, *child, depth - 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
#pragma clang unsafe_buffer_usage begin  // the fuzzer's input
    std::vector<std::uint64_t> aligned((size + 7) / 8);
    auto const bytes = std::as_writable_bytes(std::span(aligned)).first(size);
    std::ranges::copy(std::as_bytes(std::span(data, size)), bytes.begin());
#pragma clang unsafe_buffer_usage end
    if (auto const tree = Tree::open(bytes); tree) {
        visit(*tree, tree->root(), 8);
        if (auto const host = find_pci_host(*tree); host)
            (void)pci_interrupt(*tree, *host, 1, 1);
    }
    return 0;
}
