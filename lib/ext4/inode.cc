#include "lib/ext4/inode.h"

#include <algorithm>
#include <bit>

#include "lib/checksum/crc32c.h"
#include "lib/ext4/group.h"

namespace astrata::ext4 {
namespace {

constexpr std::size_t classic_size = sizeof(layout::Inode);
constexpr std::size_t checksum_low_at = offsetof(layout::Inode, checksum_low);
constexpr std::size_t checksum_high_at = classic_size + offsetof(layout::InodeExtra, checksum_high);
constexpr std::uint64_t extent_block_limit = std::uint64_t{1} << 32;  // logical block numbers of extents have 32 bits
constexpr std::uint64_t size_limit = std::uint64_t{1} << 62;          // bytes; far above what a block map can hold
constexpr std::uint64_t sector_size = 512;

// Where an inode lies: its block, and the offset in it.
struct Location {
    BlockNumber block;
    std::uint32_t offset;
};

// The block area of a device's inode.
struct DeviceArea {
    le32 old_form;
    le32 new_form;
    layout::Gap<52> unused;
};

Result<FileType> file_type_of(std::uint16_t mode) {
    switch (mode >> 12) {
    case 0x1: return FileType::fifo;
    case 0x2: return FileType::character_device;
    case 0x4: return FileType::directory;
    case 0x6: return FileType::block_device;
    case 0x8: return FileType::regular;
    case 0xa: return FileType::symbolic_link;
    case 0xc: return FileType::socket;
    default: return fail(Error::corrupt);
    }
}

// Old inodes have 32 signed bits of seconds; `extra` adds two above them, and the nanoseconds.
Timestamp decode_time(std::uint32_t seconds, std::uint32_t extra) {
    auto const epoch = std::int64_t{extra & 3} << 32;
    auto const nanoseconds = extra >> 2;
    return {.seconds = static_cast<std::int32_t>(seconds) + epoch,
            .nanoseconds = nanoseconds < 1'000'000'000 ? nanoseconds : 0};
}

// The extra fields that the inode has room for; the others read as 0.
layout::InodeExtra extra_fields(Bytes stored, std::uint16_t extra_size) {
    layout::InodeExtra extra;
    auto const present = std::min<std::size_t>(extra_size, sizeof(extra));
    std::ranges::copy(stored.subspan(classic_size, present), std::as_writable_bytes(std::span(&extra, 1)).begin());
    return extra;
}

bool checksum_matches(Superblock const& superblock, Inode const& inode, Bytes stored, layout::Inode const& raw) {
    constexpr std::array<std::byte, sizeof(le16)> zeroed{};
    auto sum = checksum::crc32c_update(inode.checksum_seed, stored.first(checksum_low_at));
    sum = checksum::crc32c_update(sum, zeroed);
    sum = checksum::crc32c_update(
        sum, stored.subspan(checksum_low_at + zeroed.size(), classic_size - checksum_low_at - zeroed.size()));
    if (superblock.inode_size == classic_size)
        return static_cast<std::uint16_t>(sum) == raw.checksum_low;

    bool const has_high = inode.extra_size >= offsetof(layout::InodeExtra, change_time_extra);
    if (!has_high) {
        sum = checksum::crc32c_update(sum, stored.subspan(classic_size));
        return static_cast<std::uint16_t>(sum) == raw.checksum_low;
    }
    sum = checksum::crc32c_update(sum, stored.subspan(classic_size, checksum_high_at - classic_size));
    sum = checksum::crc32c_update(sum, zeroed);
    sum = checksum::crc32c_update(sum, stored.subspan(checksum_high_at + zeroed.size()));
    auto const high = load<le16>(stored, checksum_high_at);
    return high && sum == (std::uint32_t{*high} << 16 | raw.checksum_low);
}

void decode_device(Inode& inode) {
    // Linux stores small device numbers in the first word and all others in the second.
    auto const [old_form, new_form, _] = std::bit_cast<DeviceArea>(inode.block_area);
    if (old_form != 0) {
        inode.device_major = old_form >> 8 & 0xff;
        inode.device_minor = old_form & 0xff;
    } else {
        inode.device_major = new_form >> 8 & 0xfff;
        inode.device_minor = (new_form & 0xff) | (new_form >> 12 & 0xf'ff00);
    }
}

Result<> check_content(Superblock const& superblock, Inode const& inode) {
    if (inode.has_flag(layout::inode_flag_encrypted))
        return fail(Error::not_supported);
    if (inode.size > size_limit)
        return fail(Error::corrupt);
    auto const blocks = (inode.size + superblock.block_size - 1) >> superblock.block_bits;
    if (inode.has_flag(layout::inode_flag_extents) && blocks > extent_block_limit)
        return fail(Error::corrupt);
    // A directory has no holes worth the name; this bounds how long walking through one can take.
    if (inode.is_directory() && blocks > superblock.block_count)
        return fail(Error::corrupt);
    return {};
}

Result<Location> locate(Superblock const& superblock, Group const& group, InodeNumber number) {
    auto const index = (number - 1) % superblock.inodes_per_group;
    return Location{.block = group.inode_table + index / superblock.inodes_per_block,
                    .offset = index % superblock.inodes_per_block * superblock.inode_size};
}

async::Task<Result<Location>> find_inode(Metadata& metadata, InodeNumber number) {
    auto const& superblock = metadata.superblock;
    if (number == 0 || number > superblock.inode_count)
        co_return fail(Error::out_of_range);
    auto const group = CO_TRY(co_await read_group(metadata, (number - 1) / superblock.inodes_per_group));
    co_return locate(superblock, group, number);
}

}  // namespace

Result<Inode> parse_inode(Superblock const& superblock, InodeNumber number, Bytes stored) {
    auto const raw = TRY(load<layout::Inode>(stored, 0));
    if (raw.link_count == 0)
        return fail(Error::not_found);

    Inode inode{.number = number, .generation = raw.generation, .block_area = raw.block_area};
    if (stored.size() > classic_size) {
        inode.extra_size = TRY(load<le16>(stored, classic_size));
        if (inode.extra_size % 4 != 0 || inode.extra_size > stored.size() - classic_size)
            return fail(Error::corrupt);
    }
    le32 const stored_number = number;
    inode.checksum_seed =
        checksum::crc32c_update(superblock.checksum_seed, std::as_bytes(std::span(&stored_number, 1)));
    inode.checksum_seed = checksum::crc32c_update(inode.checksum_seed, std::as_bytes(std::span(&raw.generation, 1)));
    if (superblock.has_metadata_checksums && !checksum_matches(superblock, inode, stored, raw))
        return fail(Error::corrupt);

    auto const extra = extra_fields(stored, inode.extra_size);
    inode.type = TRY(file_type_of(raw.mode));
    inode.permissions = raw.mode & 0xfff;
    inode.uid = std::uint32_t{raw.uid_high} << 16 | raw.uid_low;
    inode.gid = std::uint32_t{raw.gid_high} << 16 | raw.gid_low;
    inode.link_count = raw.link_count;
    inode.flags = raw.flags;
    // Whoever takes the feature away leaves the flags of the directories behind.
    if (!superblock.has_compatible(layout::compatible::directory_index))
        inode.flags &= ~layout::inode_flag_indexed;
    inode.project = extra.project;
    inode.accessed = decode_time(raw.access_time, extra.access_time_extra);
    inode.modified = decode_time(raw.modify_time, extra.modify_time_extra);
    inode.changed = decode_time(raw.change_time, extra.change_time_extra);
    inode.created = decode_time(extra.creation_time, extra.creation_time_extra);
    inode.attribute_block = BlockNumber{raw.attribute_block_high} << 32 | raw.attribute_block_low;

    // What is now the size's high half held other things in directories and links of ext2.
    inode.size = raw.size_low;
    if (inode.type == FileType::regular ||
        (inode.is_directory() && superblock.has_incompatible(layout::incompatible::large_directories)))
        inode.size |= std::uint64_t{raw.size_high} << 32;

    inode.sectors = raw.block_count_low;
    if (superblock.has_read_only(layout::read_only::huge_file)) {
        inode.sectors |= std::uint64_t{raw.block_count_high} << 32;
        if (inode.has_flag(layout::inode_flag_huge_file))
            inode.sectors *= superblock.block_size / sector_size;
    }
    if (inode.type == FileType::character_device || inode.type == FileType::block_device)
        decode_device(inode);
    TRY(check_content(superblock, inode));
    return inode;
}

async::Task<Result<Inode>> read_inode(Metadata& metadata, InodeNumber number) {
    auto const location = CO_TRY(co_await find_inode(metadata, number));
    auto const block = CO_TRY(co_await metadata.block(location.block));
    auto const& superblock = metadata.superblock;
    co_return parse_inode(superblock, number, block.bytes().subspan(location.offset, superblock.inode_size));
}

async::Task<Result<HeapArray<std::byte>>> read_stored_inode(Metadata& metadata, InodeNumber number) {
    auto const location = CO_TRY(co_await find_inode(metadata, number));
    auto const block = CO_TRY(co_await metadata.block(location.block));
    auto copy = CO_TRY(HeapArray<std::byte>::create(metadata.superblock.inode_size));
    std::ranges::copy(block.bytes().subspan(location.offset, copy.span().size()), copy.span().begin());
    co_return std::move(copy);
}

}  // namespace astrata::ext4
