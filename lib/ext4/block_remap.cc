#include "lib/ext4/block_remap.h"

#include <algorithm>
#include <utility>

#include "lib/base/bytes.h"
#include "lib/ext4/journal_layout.h"

namespace astrata::ext4 {

BlockRemap::BlockRemap(Vector<RemappedBlock> blocks) : blocks_(std::move(blocks)) {}

RemappedBlock const* BlockRemap::find_from(BlockNumber block) const {
    auto const all = blocks_.span();
    auto const found = std::ranges::lower_bound(all, block, {}, &RemappedBlock::block);
    return found == all.end() ? nullptr : &*found;
}

RemappedBlock const* BlockRemap::find(BlockNumber block) const {
    auto const* const found = find_from(block);
    return found != nullptr && found->block == block ? found : nullptr;
}

void unescape(std::span<std::byte> block) {
    // A block is never shorter than its magic number.
    static_cast<void>(store(block, 0, be32(journal_layout::magic)));
}

}  // namespace astrata::ext4
