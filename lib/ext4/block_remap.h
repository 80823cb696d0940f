// Which blocks must be read from elsewhere: the result of replaying a journal without writing to the disk.
#pragma once

#include <cstdint>
#include <span>

#include "lib/containers/vector.h"
#include "lib/ext4/types.h"

namespace astrata::ext4 {

/// A block whose newest contents lie in the journal.
struct RemappedBlock {
    BlockNumber block = 0;     // where the contents belong
    BlockNumber location = 0;  // where they are
    bool is_escaped = false;   // the first four bytes there are 0 in place of jbd2's magic number, see `unescape`
};

class BlockRemap {
public:
    BlockRemap() = default;
    /// Takes over `blocks`, sorted by `block` and each there at most once.
    explicit BlockRemap(Vector<RemappedBlock> blocks);

    /// The first remapped block at or after `block`; null if there is none.
    [[nodiscard]] RemappedBlock const* find_from(BlockNumber block) const;
    /// `block`'s own entry; null when it is where it belongs.
    [[nodiscard]] RemappedBlock const* find(BlockNumber block) const;
    [[nodiscard]] std::size_t size() const { return blocks_.size(); }

private:
    Vector<RemappedBlock> blocks_;
};

/// Puts back the magic number that jbd2 removes from the start of a logged block, so that it is not taken for one of
/// the journal's own.
void unescape(std::span<std::byte> block);

}  // namespace astrata::ext4
