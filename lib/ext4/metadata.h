// What every part of the reader needs at hand: the geometry, and the metadata blocks through the cache.
#pragma once

#include <memory>
#include <utility>

#include "lib/ext4/block_cache.h"
#include "lib/ext4/superblock.h"

namespace astrata::ext4 {

class Metadata {
public:
    Metadata(Superblock const& parsed, std::unique_ptr<BlockCache> block_cache)
        : superblock(parsed), cache_(std::move(block_cache)) {}

    Superblock superblock;

    [[nodiscard]] BlockCache& cache() { return *cache_; }

    /// A block of the file system. A number from the disk that lies outside of it is `corrupt` and not a device error:
    /// check `superblock.contains` first, as everything does that takes numbers from the disk.
    BlockCache::Get block(BlockNumber number) { return cache_->get(number); }

private:
    std::unique_ptr<BlockCache> cache_;
};

}  // namespace astrata::ext4
