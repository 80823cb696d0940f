#include "lib/ext4/group.h"

#include <array>

#include "lib/checksum/crc16.h"
#include "lib/checksum/crc32c.h"

namespace astrata::ext4 {
namespace {

constexpr std::size_t checksum_at = offsetof(layout::GroupDescriptor, checksum);
constexpr std::size_t after_checksum = checksum_at + sizeof(le16);

std::uint16_t crc32c_of(Superblock const& superblock, Bytes index, Bytes stored) {
    constexpr std::array<std::byte, sizeof(le16)> zeroed{};
    auto sum = checksum::crc32c_update(superblock.checksum_seed, index);
    sum = checksum::crc32c_update(sum, stored.first(checksum_at));
    sum = checksum::crc32c_update(sum, zeroed);
    sum = checksum::crc32c_update(sum, stored.subspan(after_checksum));
    return static_cast<std::uint16_t>(sum);
}

std::uint16_t crc16_of(Superblock const& superblock, Bytes index, Bytes stored) {
    auto sum = checksum::crc16_update(checksum::crc16_ext4_start, superblock.uuid);
    sum = checksum::crc16_update(sum, index);
    sum = checksum::crc16_update(sum, stored.first(checksum_at));
    return checksum::crc16_update(sum, stored.subspan(after_checksum));
}

}  // namespace

Result<Group> parse_group(Superblock const& superblock, std::uint32_t index, Bytes stored) {
    auto const low = TRY(load<layout::GroupDescriptor>(stored, 0));
    le32 const stored_index = index;
    auto const index_bytes = std::as_bytes(std::span(&stored_index, 1));
    if (superblock.has_metadata_checksums && crc32c_of(superblock, index_bytes, stored) != low.checksum)
        return fail(Error::corrupt);
    if (superblock.has_group_checksums && crc16_of(superblock, index_bytes, stored) != low.checksum)
        return fail(Error::corrupt);

    Group group{.inode_table = low.inode_table_low,
                .free_clusters = low.free_block_count_low,
                .free_inodes = low.free_inode_count_low};
    if (stored.size() >= sizeof(layout::GroupDescriptor) + sizeof(layout::GroupDescriptorHigh)) {
        auto const high = TRY(load<layout::GroupDescriptorHigh>(stored, sizeof(layout::GroupDescriptor)));
        group.inode_table |= BlockNumber{high.inode_table_high} << 32;
        group.free_clusters |= std::uint32_t{high.free_block_count_high} << 16;
        group.free_inodes |= std::uint32_t{high.free_inode_count_high} << 16;
    }
    auto const table_blocks =
        (superblock.inodes_per_group + superblock.inodes_per_block - 1) / superblock.inodes_per_block;
    if (!superblock.contains(group.inode_table, table_blocks))
        return fail(Error::corrupt);
    return group;
}

async::Task<Result<Group>> read_group(Metadata& metadata, std::uint32_t index) {
    auto const& superblock = metadata.superblock;
    auto const location = superblock.descriptor_block(index);
    if (!superblock.contains(location, 1))
        co_return fail(Error::corrupt);
    auto const block = CO_TRY(co_await metadata.block(location));
    auto const offset = index % superblock.descriptors_per_block * superblock.descriptor_size;
    co_return parse_group(superblock, index, block.bytes().subspan(offset, superblock.descriptor_size));
}

}  // namespace astrata::ext4
