// Block groups: where each one's inodes lie, and how much of it is free.
#pragma once

#include <cstdint>

#include "lib/async/task.h"
#include "lib/ext4/metadata.h"

namespace astrata::ext4 {

struct Group {
    BlockNumber inode_table = 0;  // first block; the whole table lies inside the file system
    std::uint32_t free_clusters = 0;
    std::uint32_t free_inodes = 0;
};

/// Decodes and checks the descriptor of group `index`.
/// stored    descriptor_size bytes
/// errors    corrupt
Result<Group> parse_group(Superblock const& superblock, std::uint32_t index, Bytes stored);

/// errors    corrupt, io, no_memory
async::Task<Result<Group>> read_group(Metadata& metadata, std::uint32_t index);

}  // namespace astrata::ext4
