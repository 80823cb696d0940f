// Extent trees: a B+ tree whose root lies in the inode and whose leaves map runs of blocks.
#include <algorithm>
#include <optional>

#include "lib/checksum/crc32c.h"
#include "lib/ext4/mapping.h"

namespace astrata::ext4 {
namespace {

constexpr std::uint16_t depth_limit = 5;  // enough for 2^32 blocks at four entries a node
constexpr std::uint16_t initialized_length_limit = 0x8000;
constexpr std::uint64_t no_bound = std::uint64_t{1} << 32;
constexpr std::uint64_t verified_tag = std::uint64_t{1} << 32;  // above the 32 bits of a checksum seed
constexpr std::size_t entry_size = sizeof(layout::Extent);

bool is_unwritten(layout::Extent const& extent) {
    return extent.length > initialized_length_limit;
}
std::uint64_t length_of(layout::Extent const& extent) {
    std::uint64_t const stored = extent.length;
    return is_unwritten(extent) ? stored - initialized_length_limit : stored;
}

// A node of the tree whose header has been checked.
struct Node {
    std::uint16_t depth;
    std::uint16_t entry_count;
    Bytes entries;  // entry_count of them, and what follows

    // The index is below entry_count, which fits: so there is always something to load.
    [[nodiscard]] layout::Extent extent(std::size_t index) const {
        return *load<layout::Extent>(entries, index * entry_size);
    }
    [[nodiscard]] layout::ExtentIndex child(std::size_t index) const {
        return *load<layout::ExtentIndex>(entries, index * entry_size);
    }
    // Both kinds of entry start with the first logical block they cover.
    [[nodiscard]] std::uint32_t logical(std::size_t index) const { return *load<le32>(entries, index * entry_size); }

    // The last entry that starts at or before `block`; entry_count if there is none.
    [[nodiscard]] std::size_t find(std::uint64_t block) const {
        std::size_t low = 0, high = entry_count;
        while (low < high) {
            auto const middle = low + (high - low) / 2;
            if (logical(middle) <= block)
                low = middle + 1;
            else
                high = middle;
        }
        return low == 0 ? entry_count : low - 1;
    }
};

Result<Node> parse_node(Bytes stored) {
    auto const header = TRY(load<layout::ExtentHeader>(stored, 0));
    auto const entries = stored.subspan(sizeof(layout::ExtentHeader));
    if (header.magic != layout::extent_magic || header.depth > depth_limit || header.capacity == 0 ||
        header.capacity > entries.size() / entry_size || header.entry_count > header.capacity)
        return fail(Error::corrupt);
    // Only the root of an empty file has nothing in it.
    if (header.entry_count == 0 && header.depth != 0)
        return fail(Error::corrupt);
    return Node{.depth = header.depth, .entry_count = header.entry_count, .entries = entries};
}

// Extents must not overlap and entries must ascend, or a search would find one thing and a walk another.
Result<> check_order(Node const& node) {
    std::uint64_t next = 0;
    for (std::size_t index = 0; index < node.entry_count; ++index) {
        std::uint64_t const first = node.logical(index);
        if (first < next)
            return fail(Error::corrupt);
        next = first + 1;
        if (node.depth == 0)
            next = first + length_of(node.extent(index));
    }
    return {};
}

Result<> verify_block(Superblock const& superblock, Inode const& inode, CachedBlock& block) {
    auto const tag = verified_tag | inode.checksum_seed;
    if (block.is_verified_as(tag))
        return {};
    auto const node = TRY(parse_node(block.bytes()));
    TRY(check_order(node));
    if (superblock.has_metadata_checksums) {
        auto const header = TRY(load<layout::ExtentHeader>(block.bytes(), 0));
        auto const covered = sizeof(layout::ExtentHeader) + header.capacity * entry_size;
        auto const stored = load<le32>(block.bytes(), covered);
        if (!stored || checksum::crc32c_update(inode.checksum_seed, block.bytes().first(covered)) != *stored)
            return fail(Error::corrupt);
    }
    block.set_verified_as(tag);
    return {};
}

// The mapping of `first` in a leaf. `bound` is where the next leaf starts: a hole goes on at most to there.
Result<Mapping> map_in_leaf(Superblock const& superblock, Node const& leaf, std::uint64_t first, std::uint64_t bound) {
    auto const found = leaf.find(first);
    std::size_t next = 0;
    if (found != leaf.entry_count) {
        auto const extent = leaf.extent(found);
        auto const length = length_of(extent);
        auto const start = BlockNumber{extent.start_high} << 32 | extent.start_low;
        if (length == 0 || !superblock.contains(start, length) || extent.logical + length > no_bound)
            return fail(Error::corrupt);
        auto const distance = first - extent.logical;
        if (distance < length)
            return Mapping{.kind = is_unwritten(extent) ? Mapping::Kind::unwritten : Mapping::Kind::mapped,
                           .physical = start + distance,
                           .count = length - distance};
        next = found + 1;
    }
    if (next < leaf.entry_count)
        bound = std::min<std::uint64_t>(bound, leaf.logical(next));
    // A leaf that starts after its parent's successor is out of order.
    if (bound <= first)
        return fail(Error::corrupt);
    return Mapping{.kind = Mapping::Kind::hole, .count = bound - first};
}

}  // namespace

async::Task<Result<Mapping>> map_extents(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                         std::uint64_t limit) {
    auto const& superblock = metadata.superblock;
    if (first >= no_bound)
        co_return Mapping{.kind = Mapping::Kind::hole, .count = limit};
    auto node = CO_TRY(parse_node(inode.block_area));
    CO_TRY(check_order(node));

    std::uint64_t bound = no_bound;
    std::optional<CachedBlock> block;  // that `node` lies in
    // Each step goes one level down, so a tree that points back into itself ends too.
    while (node.depth != 0) {
        auto const found = node.find(first);
        // Before the first entry there is nothing; a search that starts there ends in a hole.
        if (found == node.entry_count)
            co_return Mapping{.kind = Mapping::Kind::hole,
                              .count = std::min({limit, bound - first, node.logical(0) - first})};
        if (found + 1 < node.entry_count)
            bound = std::min<std::uint64_t>(bound, node.logical(found + 1));
        auto const entry = node.child(found);
        auto const child = BlockNumber{entry.child_high} << 32 | entry.child_low;
        if (!superblock.contains(child, 1))
            co_return fail(Error::corrupt);
        auto const depth = node.depth;
        block.reset();
        block = CO_TRY(co_await metadata.block(child));
        CO_TRY(verify_block(superblock, inode, *block));
        node = CO_TRY(parse_node(block->bytes()));
        if (node.depth != depth - 1)
            co_return fail(Error::corrupt);
    }
    auto mapping = CO_TRY(map_in_leaf(superblock, node, first, bound));
    mapping.count = std::min(mapping.count, limit);
    co_return mapping;
}

}  // namespace astrata::ext4
