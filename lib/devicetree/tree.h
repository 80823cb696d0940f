// A flattened devicetree (Devicetree Specification 0.4, chapter 5) whose bytes somebody else keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::devicetree {

/// A place in the tree that it came from.
struct Node {
    int offset = -1;
    friend bool operator==(Node, Node) = default;
};

/// A range of physical addresses, as the CPU sees it.
struct Region {
    PhysAddr start;
    std::uint64_t length = 0;  ///< bytes
};

/// How many 32-bit cells an address and a length take below a node (section 2.3.5).
struct CellCounts {
    std::uint32_t address = 2;
    std::uint32_t size = 1;
};

/// Big-endian cells one after the other, from the value of a property.
class Cells {
public:
    explicit Cells(Bytes bytes) : bytes_(bytes) {}
    [[nodiscard]] std::size_t count() const { return bytes_.size() / sizeof(std::uint32_t); }
    /// The next cell, or the next `cells` as one number of at most two (0 when `cells` is 0).
    /// errors    out_of_range (fewer are left, or more than two are asked for)
    [[nodiscard]] Result<std::uint64_t> take(std::uint32_t cells = 1);
    /// errors    out_of_range
    [[nodiscard]] Result<> skip(std::size_t cells);

private:
    Bytes bytes_;
};

class Tree {
public:
    /// How long the tree at the beginning of `header` says it is; it need not be all there.
    /// errors    out_of_range, corrupt
    [[nodiscard]] static Result<std::size_t> length_of(Bytes header);
    /// Checks the whole tree. `blob` is borrowed, aligned to 8 bytes, and may be longer than the tree.
    /// errors    out_of_range (shorter than its header says), corrupt, not_supported (a version from before 2005)
    [[nodiscard]] static Result<Tree> open(Bytes blob);

    [[nodiscard]] Bytes blob() const { return blob_; }
    [[nodiscard]] Node root() const { return {0}; }
    /// By full path ("/chosen") or alias.
    [[nodiscard]] std::optional<Node> at(std::string_view path) const;
    [[nodiscard]] std::optional<Node> parent(Node node) const;
    [[nodiscard]] std::optional<Node> first_child(Node node) const;
    [[nodiscard]] std::optional<Node> next_sibling(Node node) const;
    /// The first node after `previous`, in the tree's order, that names `compatible` among its kinds.
    [[nodiscard]] std::optional<Node> find_compatible(char const* compatible, std::optional<Node> previous = {}) const;
    /// Keeps the last answer: not for several threads at once.
    [[nodiscard]] std::optional<Node> by_handle(std::uint32_t phandle) const;

    /// With its unit address: "uart@10000000".
    [[nodiscard]] std::string_view name(Node node) const;
    [[nodiscard]] bool is_compatible(Node node, char const* compatible) const;
    /// Its status does not say otherwise (section 2.3.4).
    [[nodiscard]] bool is_enabled(Node node) const;
    [[nodiscard]] std::optional<Bytes> property(Node node, char const* name) const;
    /// Of one cell or two.
    [[nodiscard]] std::optional<std::uint64_t> number(Node node, char const* name) const;
    /// The first string of the value; empty if there is none.
    [[nodiscard]] std::string_view text(Node node, char const* name) const;
    [[nodiscard]] CellCounts cells_below(Node node) const;

    /// Entry `index` of the node's "reg", translated through the "ranges" of all nodes above (section 2.3.8).
    /// errors    not_found (no such entry), corrupt (no translation)
    [[nodiscard]] Result<Region> registers(Node node, std::size_t index = 0) const;
    /// An address of the bus whose node is `bus`, in the CPU's view.
    /// errors    corrupt
    [[nodiscard]] Result<PhysAddr> translate(Node bus, std::uint64_t address) const;

private:
    explicit Tree(Bytes blob) : blob_(blob) {}
    Bytes blob_;
    // Looking one up means reading the whole tree, and nearly all interrupts of a machine name the same controller.
    mutable std::uint32_t last_handle_ = 0;
    mutable Node last_node_;
};

}  // namespace astrata::devicetree
