// Files and directories so small that their data lies in the inode: the first 60 bytes where the block map would be,
// the rest in an attribute.
#pragma once

#include <array>
#include <cstddef>

#include "lib/async/task.h"
#include "lib/ext4/heap_array.h"
#include "lib/ext4/inode.h"

namespace astrata::ext4 {

class InlineData {
public:
    /// errors    corrupt, not_supported, io, no_memory
    static async::Task<Result<InlineData>> read(Metadata& metadata, Inode const& inode);

    /// The part in the block area, then the part in the attribute (which may be empty).
    [[nodiscard]] Bytes front() const { return front_; }
    [[nodiscard]] Bytes back() const { return Bytes(stored_inode_.span()).subspan(back_offset_, back_size_); }

    /// Copies what the file has from `offset` on, at most `into` holds, zeros past the stored bytes. Nothing of it lies
    /// beyond `size`, the file's.
    void copy(std::uint64_t size, std::uint64_t offset, MutableBytes into) const;

private:
    std::array<std::byte, 60> front_{};
    HeapArray<std::byte> stored_inode_;
    std::size_t back_offset_ = 0;
    std::size_t back_size_ = 0;
};

}  // namespace astrata::ext4
