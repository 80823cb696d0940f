// Hands out runs of pages of the memory that is shared with a disk driver.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace astrata::ext4_strate {

/// Which pages of a pool are in use. Only numbers; the memory itself is somebody else's.
class BufferPool {
public:
    static constexpr std::size_t page_limit = 1024;  // pages of a larger pool stay unused

    explicit BufferPool(std::size_t pages) : pages_(pages < page_limit ? pages : page_limit) {}

    /// The first page of `count` free ones in a row, which now belong to the caller; nothing if there is no such run.
    std::optional<std::size_t> allocate(std::size_t count);
    void free(std::size_t first, std::size_t count);

    [[nodiscard]] std::size_t pages() const { return pages_; }
    [[nodiscard]] std::size_t free_pages() const { return pages_ - used_.count(); }

private:
    std::size_t pages_;
    std::bitset<page_limit> used_;
};

}  // namespace astrata::ext4_strate
