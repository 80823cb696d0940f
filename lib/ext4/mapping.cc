#include "lib/ext4/mapping.h"

#include <algorithm>

namespace astrata::ext4 {

async::Task<Result<Mapping>> map_blocks(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                        std::uint64_t limit) {
    // Not a coroutine itself: it hands on the task that does the work.
    if (inode.has_flag(layout::inode_flag_extents))
        return map_extents(metadata, inode, first, limit);
    return map_indirect(metadata, inode, first, limit);
}

async::Task<Result<CachedBlock>> read_file_block(Metadata& metadata, Inode const& inode, std::uint64_t logical) {
    auto const mapping = CO_TRY(co_await map_blocks(metadata, inode, logical, 1));
    if (mapping.kind != Mapping::Kind::mapped)
        co_return fail(Error::corrupt);
    co_return co_await metadata.block(mapping.physical);
}

Mapping apply_remap(BlockRemap const& remap, Mapping mapping) {
    if (mapping.kind != Mapping::Kind::mapped)
        return mapping;
    auto const* const moved = remap.find_from(mapping.physical);
    if (moved == nullptr || moved->block - mapping.physical >= mapping.count)
        return mapping;
    if (moved->block > mapping.physical)
        mapping.count = moved->block - mapping.physical;
    else
        mapping = {.kind = mapping.kind, .physical = moved->location, .count = 1, .is_escaped = moved->is_escaped};
    return mapping;
}

}  // namespace astrata::ext4
