#include "lib/ext4/inline_data.h"

#include <algorithm>
#include <utility>

#include "lib/ext4/attributes.h"

namespace astrata::ext4 {

async::Task<Result<InlineData>> InlineData::read(Metadata& metadata, Inode const& inode) {
    InlineData data;
    data.front_ = inode.block_area;
    data.stored_inode_ = CO_TRY(co_await read_stored_inode(metadata, inode.number));
    Bytes const stored = data.stored_inode_.span();
    auto const back = CO_TRY(find_inline_data(stored, inode.extra_size));
    data.back_size_ = back.size();
    if (!back.empty())
        data.back_offset_ = static_cast<std::size_t>(back.data() - stored.data());
    co_return std::move(data);
}

void InlineData::copy(std::uint64_t size, std::uint64_t offset, MutableBytes into) const {
    std::ranges::fill(into, std::byte{0});
    std::uint64_t start = 0;
    for (auto const part : {front(), back()}) {
        auto const end = std::min<std::uint64_t>(start + part.size(), size);
        auto const from = std::max(offset, start);
        auto const to = std::min<std::uint64_t>(end, offset + into.size());
        if (from < to)
            std::ranges::copy(part.subspan(from - start, to - from), into.subspan(from - offset).begin());
        start += part.size();
    }
}

}  // namespace astrata::ext4
