// Where the bytes of a volume come from: a disk driver, a partition of one, a file, a buffer.
#pragma once

#include <cstdint>

#include "lib/async/task.h"
#include "lib/base/bytes.h"

namespace astrata::ext4 {

class BlockSource {
public:
    BlockSource() = default;
    BlockSource(BlockSource const&) = delete;
    BlockSource& operator=(BlockSource const&) = delete;

    /// Bytes in one block of the source, a power of two, not above the file system's block size.
    [[nodiscard]] virtual std::uint32_t block_size() const = 0;
    [[nodiscard]] virtual std::uint64_t block_count() const = 0;

    /// Reads `count` > 0 blocks from `first` on; `into` has exactly their size and lives until the task ends. Several
    /// reads may be under way at once. After an unfinished read is destroyed `into` is no longer touched. errors    io,
    /// out_of_range, no_memory, or whatever else befell the device
    virtual async::Task<Result<>> read(std::uint64_t first, std::uint64_t count, MutableBytes into) = 0;

protected:
    ~BlockSource() = default;
};

}  // namespace astrata::ext4
