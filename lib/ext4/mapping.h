// Where a file's blocks lie.
#pragma once

#include <cstdint>

#include "lib/async/task.h"
#include "lib/ext4/inode.h"
#include "lib/ext4/metadata.h"

namespace astrata::ext4 {

/// A run of a file's blocks that share one fate.
struct Mapping {
    enum class Kind : std::uint8_t {
        hole,         ///< never written: reads as zeros
        unwritten,    ///< allocated but never written: reads as zeros
        mapped,       ///< `physical` says where
        inline_data,  ///< the file's bytes are in its inode: Volume::read has them
    };

    Kind kind = Kind::hole;
    BlockNumber physical = 0;  // first block of a mapped run
    std::uint64_t count = 0;   // blocks, at least 1
    /// The block is a journal's copy whose first four bytes are to be replaced after reading, see `unescape`. Then
    /// count is 1.
    bool is_escaped = false;
};

/// The run that contains logical block `first`, cut to `limit` > 0 blocks from there. Physical blocks are where they
/// belong: a BlockRemap is not applied. A run may end earlier than the file's layout asks for.
/// errors    corrupt, io, no_memory
async::Task<Result<Mapping>> map_blocks(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                        std::uint64_t limit);

/// The same for the two kinds of layout.
async::Task<Result<Mapping>> map_extents(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                         std::uint64_t limit);
async::Task<Result<Mapping>> map_indirect(Metadata& metadata, Inode const& inode, std::uint64_t first,
                                          std::uint64_t limit);

/// The block that holds logical block `logical` of a file that may not have holes there, through the cache.
/// errors    corrupt (a hole), io, no_memory
async::Task<Result<CachedBlock>> read_file_block(Metadata& metadata, Inode const& inode, std::uint64_t logical);

/// Replaces a run's physical blocks by where `remap` says they are; may shorten it.
Mapping apply_remap(BlockRemap const& remap, Mapping mapping);

}  // namespace astrata::ext4
