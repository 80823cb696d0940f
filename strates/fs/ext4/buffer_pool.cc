#include "strates/fs/ext4/buffer_pool.h"

namespace astrata::ext4_strate {

std::optional<std::size_t> BufferPool::allocate(std::size_t count) {
    if (count == 0 || count > pages_)
        return std::nullopt;
    std::size_t run = 0;
    for (std::size_t page = 0; page < pages_; ++page) {
        run = used_[page] ? 0 : run + 1;
        if (run != count)
            continue;
        auto const first = page + 1 - count;
        for (auto index = first; index <= page; ++index)
            used_[index] = true;
        return first;
    }
    return std::nullopt;
}

void BufferPool::free(std::size_t first, std::size_t count) {
    for (auto page = first; page < first + count; ++page)
        used_[page] = false;
}

}  // namespace astrata::ext4_strate
