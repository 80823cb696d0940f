// Block maps of ext2 and ext3: twelve direct pointers, then one tree each of one, two and three levels.
#include <algorithm>
#include <optional>

#include "lib/ext4/mapping.h"

namespace astrata::ext4 {
namespace {

constexpr std::uint64_t direct_count = 12;
constexpr unsigned level_limit = 3;

// Which pointer of the inode leads to a logical block, and how.
struct Path {
    unsigned slot;         // in the inode
    unsigned levels;       // of pointer blocks below it
    std::uint64_t offset;  // of the block inside that tree
    std::uint64_t span;    // blocks that the tree covers
};

// Nothing for blocks beyond what a map can address.
std::optional<Path> find_path(std::uint64_t logical, unsigned pointer_bits) {
    if (logical < direct_count)
        return Path{.slot = static_cast<unsigned>(logical), .levels = 0, .offset = 0, .span = 1};
    std::uint64_t start = direct_count;
    for (unsigned level = 1; level <= level_limit; ++level) {
        auto const span = std::uint64_t{1} << (pointer_bits * level);
        if (logical - start < span)
            return Path{.slot = static_cast<unsigned>(direct_count) + level - 1,
                        .levels = level,
                        .offset = logical - start,
                        .span = span};
        start += span;
    }
    return std::nullopt;
}

std::uint32_t pointer_at(Bytes pointers, std::uint64_t index) {
    auto const value = load<le32>(pointers, index * sizeof(le32));
    return value ? std::uint32_t{*value} : 0;
}

// A run of like pointers from `index` on: consecutive blocks, or none at all. `unit` is how many blocks one stands for.
Mapping run_of(Bytes pointers, std::uint64_t index, std::uint64_t limit) {
    auto const total = pointers.size() / sizeof(le32);
    auto const first = pointer_at(pointers, index);
    std::uint64_t count = 1;
    while (count < limit && index + count < total &&
           pointer_at(pointers, index + count) == (first == 0 ? 0 : first + count))
        ++count;
    return {.kind = first == 0 ? Mapping::Kind::hole : Mapping::Kind::mapped, .physical = first, .count = count};
}

}  // namespace

async::Task<Result<Mapping>> map_indirect(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                          std::uint64_t limit) {
    auto const& superblock = metadata.superblock;
    auto const pointer_bits = superblock.block_bits - 2;
    auto const checked = [&superblock](Mapping mapping) -> Result<Mapping> {
        if (mapping.kind == Mapping::Kind::mapped && !superblock.contains(mapping.physical, mapping.count))
            return fail(Error::corrupt);
        return mapping;
    };

    auto const path = find_path(first, pointer_bits);
    if (!path)
        co_return Mapping{.kind = Mapping::Kind::hole, .count = limit};
    auto const direct = Bytes(inode.block_area).first(direct_count * sizeof(le32));
    if (path->levels == 0)
        co_return checked(run_of(direct, path->slot, limit));

    BlockNumber pointer = pointer_at(inode.block_area, path->slot);
    auto offset = path->offset;
    auto span = path->span;
    for (auto level = path->levels;; --level) {
        if (pointer == 0)
            co_return Mapping{.kind = Mapping::Kind::hole, .count = std::min(limit, span - offset)};
        if (!superblock.contains(pointer, 1))
            co_return fail(Error::corrupt);
        auto const block = CO_TRY(co_await metadata.block(pointer));
        span >>= pointer_bits;
        auto const index = offset / span;
        if (level == 1)
            co_return checked(run_of(block.bytes(), index, limit));
        pointer = pointer_at(block.bytes(), index);
        offset %= span;
    }
}

}  // namespace astrata::ext4
