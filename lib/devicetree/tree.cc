#include "lib/devicetree/tree.h"

#include <algorithm>

#include <libfdt.h>

namespace astrata::devicetree {

namespace {

constexpr int depth_limit = 16;  // of buses inside buses

std::optional<Node> found(int offset) {
    return offset >= 0 ? std::optional(Node{offset}) : std::nullopt;
}

// Section 2.3.8: entries of child address, parent address and length. An empty "ranges" says that nothing changes.
Result<std::uint64_t> through_ranges(Bytes ranges, CellCounts below, std::uint32_t parent_cells,
                                     std::uint64_t address) {
    if (ranges.empty())
        return address;
    Cells cells(ranges);
    auto const entry = below.address + parent_cells + below.size;
    for (auto left = cells.count() / std::max<std::size_t>(entry, 1); left != 0; --left) {
        // A PCI address has a cell of attributes before its number.
        if (below.address > 2)
            TRY(cells.skip(below.address - 2));
        auto const from = TRY(cells.take(std::min(below.address, 2U)));
        auto const to = TRY(cells.take(parent_cells));
        auto const length = TRY(cells.take(below.size));
        if (address >= from && address - from < length)
            return to + (address - from);
    }
    return fail(Error::corrupt);
}

}  // namespace

Result<std::uint64_t> Cells::take(std::uint32_t cells) {
    if (cells > 2 || count() < cells)
        return fail(Error::out_of_range);
    std::uint64_t value = 0;
    for (std::uint32_t i = 0; i < cells; ++i) {
        value = value << 32 | TRY(load<BigEndian<std::uint32_t>>(bytes_, 0));
        bytes_ = bytes_.subspan(sizeof(std::uint32_t));
    }
    return value;
}

Result<> Cells::skip(std::size_t cells) {
    if (count() < cells)
        return fail(Error::out_of_range);
    bytes_ = bytes_.subspan(cells * sizeof(std::uint32_t));
    return {};
}

Result<std::size_t> Tree::length_of(Bytes header) {
    if (header.size() < sizeof(fdt_header))
        return fail(Error::out_of_range);
    if (fdt_check_header(header.data()) != 0)
        return fail(Error::corrupt);
    return std::size_t{TRY(load<be32>(header, offsetof(fdt_header, totalsize)))};
}

Result<Tree> Tree::open(Bytes blob) {
    auto const length = TRY(length_of(blob));
    if (length > blob.size())
        return fail(Error::out_of_range);
    switch (fdt_check_full(blob.data(), length)) {
    case 0: return Tree(blob.first(length));
    case -FDT_ERR_BADVERSION: return fail(Error::not_supported);
    default: return fail(Error::corrupt);
    }
}

std::optional<Node> Tree::at(std::string_view path) const {
    return found(fdt_path_offset_namelen(blob_.data(), path.data(), static_cast<int>(path.size())));
}
std::optional<Node> Tree::parent(Node node) const {
    return found(fdt_parent_offset(blob_.data(), node.offset));
}
std::optional<Node> Tree::first_child(Node node) const {
    return found(fdt_first_subnode(blob_.data(), node.offset));
}
std::optional<Node> Tree::next_sibling(Node node) const {
    return found(fdt_next_subnode(blob_.data(), node.offset));
}
std::optional<Node> Tree::find_compatible(char const* compatible, std::optional<Node> previous) const {
    return found(fdt_node_offset_by_compatible(blob_.data(), previous ? previous->offset : -1, compatible));
}
std::optional<Node> Tree::by_handle(std::uint32_t phandle) const {
    if (phandle != 0 && phandle == last_handle_)
        return last_node_;
    auto const node = found(fdt_node_offset_by_phandle(blob_.data(), phandle));
    if (node) {
        last_handle_ = phandle;
        last_node_ = *node;
    }
    return node;
}

std::string_view Tree::name(Node node) const {
    int length = 0;
    auto const* const name = fdt_get_name(blob_.data(), node.offset, &length);
    return name != nullptr ? std::string_view(name, static_cast<std::size_t>(length)) : std::string_view{};
}
bool Tree::is_compatible(Node node, char const* compatible) const {
    return fdt_node_check_compatible(blob_.data(), node.offset, compatible) == 0;
}
bool Tree::is_enabled(Node node) const {
    auto const status = text(node, "status");
    return status.empty() || status == "okay" || status == "ok";
}

std::optional<Bytes> Tree::property(Node node, char const* name) const {
    int length = 0;
    auto const* const value = fdt_getprop(blob_.data(), node.offset, name, &length);
    if (value == nullptr)
        return std::nullopt;
#pragma clang unsafe_buffer_usage begin  // the library checked that the value lies in the blob
    return Bytes(static_cast<std::byte const*>(value), static_cast<std::size_t>(length));
#pragma clang unsafe_buffer_usage end
}

std::optional<std::uint64_t> Tree::number(Node node, char const* name) const {
    auto const value = property(node, name);
    if (!value)
        return std::nullopt;
    Cells cells(*value);
    auto const number = cells.take(static_cast<std::uint32_t>(cells.count()));
    return number ? std::optional(*number) : std::nullopt;
}

std::string_view Tree::text(Node node, char const* name) const {
    auto const value = property(node, name);
    if (!value)
        return {};
    auto const text = as_text(*value);
    return text.substr(0, text.find('\0'));
}

CellCounts Tree::cells_below(Node node) const {
    auto const address = fdt_address_cells(blob_.data(), node.offset);
    auto const size = fdt_size_cells(blob_.data(), node.offset);
    return {.address = address >= 0 ? static_cast<std::uint32_t>(address) : 2U,
            .size = size >= 0 ? static_cast<std::uint32_t>(size) : 1U};
}

Result<Region> Tree::registers(Node node, std::size_t index) const {
    auto const value = property(node, "reg");
    auto const bus = parent(node);
    if (!value || !bus)
        return fail(Error::not_found);
    auto const counts = cells_below(*bus);
    Cells cells(*value);
    if (!cells.skip(index * (counts.address + counts.size)) || cells.count() < counts.address + counts.size)
        return fail(Error::not_found);
    auto const address = TRY(cells.take(counts.address));
    auto const length = TRY(cells.take(counts.size));
    return Region{.start = TRY(translate(*bus, address)), .length = length};
}

Result<PhysAddr> Tree::translate(Node bus, std::uint64_t address) const {
    for (int depth = 0; depth < depth_limit; ++depth) {
        auto const above = parent(bus);
        if (!above)
            return PhysAddr{address};
        auto const ranges = property(bus, "ranges");
        if (!ranges)
            return fail(Error::corrupt);
        address = TRY(through_ranges(*ranges, cells_below(bus), cells_below(*above).address, address));
        bus = *above;
    }
    return fail(Error::corrupt);
}

}  // namespace astrata::devicetree
