#include "lib/ext4/superblock.h"

#include <bit>

#include "lib/checksum/crc32c.h"

namespace astrata::ext4 {
namespace {

namespace incompatible = layout::incompatible;

constexpr std::uint32_t known_incompatible = incompatible::file_type | incompatible::recover |
                                             incompatible::meta_groups | incompatible::extents | incompatible::wide |
                                             incompatible::multi_mount_protection | incompatible::flexible_groups |
                                             incompatible::attribute_inodes | incompatible::checksum_seed |
                                             incompatible::large_directories | incompatible::inline_data;

constexpr std::uint32_t classic_inode_size = 128;
constexpr InodeNumber classic_first_inode = 11;
constexpr std::uint32_t narrow_descriptor_size = 32;
constexpr std::uint32_t wide_descriptor_size = 64;
constexpr std::uint32_t descriptor_size_limit = 1024;
constexpr std::uint32_t log_block_size_limit = 6;                    // 64 KiB
constexpr std::uint64_t block_count_limit = std::uint64_t{1} << 48;  // what extents can address
// The least that mke2fs accepts. It bounds the number of groups, hence how long a walk over all of them can take.
constexpr std::uint32_t blocks_per_group_minimum = 256;
constexpr std::uint8_t checksum_type_crc32c = 1;

std::uint64_t join(std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
}

bool is_power_of(std::uint32_t value, std::uint32_t base) {
    std::uint64_t power = base;
    while (power < value)
        power *= base;
    return power == value;
}

Result<> parse_features(layout::Superblock const& raw, Superblock& parsed) {
    if (raw.revision > 1)
        return fail(Error::not_supported);
    if (raw.revision == 0) {
        parsed.inode_size = classic_inode_size;
        parsed.first_inode = classic_first_inode;
        return {};
    }
    parsed.inode_size = raw.inode_size;
    parsed.first_inode = raw.first_inode;
    parsed.compatible_features = raw.compatible_features;
    parsed.incompatible_features = raw.incompatible_features;
    parsed.read_only_features = raw.read_only_features;
    if ((parsed.incompatible_features & ~known_incompatible) != 0)
        return fail(Error::not_supported);
    return {};
}

Result<> parse_checksums(layout::Superblock const& raw, Bytes stored, Checksums checksums, Superblock& parsed) {
    bool const has_crc32c = parsed.has_read_only(layout::read_only::metadata_checksums);
    if (has_crc32c) {
        if (raw.checksum_type != checksum_type_crc32c)
            return fail(Error::not_supported);
        auto const sum =
            checksum::crc32c_update(checksum::crc32c_start, stored.first(offsetof(layout::Superblock, checksum)));
        if (checksums == Checksums::verify && sum != raw.checksum)
            return fail(Error::corrupt);
    }
    parsed.checksum_seed = parsed.has_incompatible(incompatible::checksum_seed)
                               ? std::uint32_t{raw.checksum_seed}
                               : checksum::crc32c_update(checksum::crc32c_start, raw.uuid);
    parsed.has_metadata_checksums = has_crc32c && checksums == Checksums::verify;
    // With both features set the newer one counts, as in Linux.
    parsed.has_group_checksums =
        !has_crc32c && parsed.has_read_only(layout::read_only::group_checksums) && checksums == Checksums::verify;
    return {};
}

Result<> parse_blocks(layout::Superblock const& raw, std::uint64_t volume_bytes, Superblock& parsed) {
    if (raw.log_block_size > log_block_size_limit)
        return fail(Error::not_supported);
    parsed.block_bits = 10 + raw.log_block_size;
    parsed.block_size = std::uint32_t{1} << parsed.block_bits;

    bool const is_wide = parsed.has_incompatible(incompatible::wide);
    parsed.block_count = join(raw.block_count_low, is_wide ? std::uint32_t{raw.block_count_high} : 0);
    parsed.reserved_block_count =
        join(raw.reserved_block_count_low, is_wide ? std::uint32_t{raw.reserved_block_count_high} : 0);
    if (parsed.block_count == 0 || parsed.block_count > block_count_limit ||
        parsed.block_count > volume_bytes >> parsed.block_bits || parsed.reserved_block_count > parsed.block_count)
        return fail(Error::corrupt);

    if (parsed.has_read_only(layout::read_only::big_allocation)) {
        if (raw.log_cluster_size < raw.log_block_size || raw.log_cluster_size > raw.log_block_size + 16)
            return fail(Error::corrupt);
        parsed.cluster_bits = raw.log_cluster_size - raw.log_block_size;
    }
    parsed.overhead_blocks = std::uint64_t{raw.overhead_clusters} << parsed.cluster_bits;
    if (parsed.overhead_blocks >= parsed.block_count)
        parsed.overhead_blocks = 0;

    parsed.first_data_block = raw.first_data_block;
    auto const expected_first = parsed.block_size == 1024 && parsed.cluster_bits == 0 ? 1u : 0u;
    if (parsed.first_data_block != expected_first || parsed.first_data_block >= parsed.block_count)
        return fail(Error::corrupt);

    // One bitmap block describes a group, so a group has at most that many clusters.
    parsed.blocks_per_group = raw.blocks_per_group;
    if (parsed.blocks_per_group < blocks_per_group_minimum ||
        parsed.blocks_per_group >> parsed.cluster_bits > 8 * parsed.block_size)
        return fail(Error::corrupt);
    auto const data_blocks = parsed.block_count - parsed.first_data_block;
    auto const groups = (data_blocks + parsed.blocks_per_group - 1) / parsed.blocks_per_group;
    if (groups > 0xffff'ffff)
        return fail(Error::corrupt);
    parsed.group_count = static_cast<std::uint32_t>(groups);
    return {};
}

Result<> parse_inodes(layout::Superblock const& raw, Superblock& parsed) {
    if (!std::has_single_bit(parsed.inode_size) || parsed.inode_size < classic_inode_size ||
        parsed.inode_size > parsed.block_size)
        return fail(Error::corrupt);
    parsed.inodes_per_block = parsed.block_size / parsed.inode_size;
    parsed.inodes_per_group = raw.inodes_per_group;
    parsed.inode_count = raw.inode_count;
    if (parsed.inodes_per_group < parsed.inodes_per_block || parsed.inodes_per_group > 8 * parsed.block_size ||
        std::uint64_t{parsed.inodes_per_group} * parsed.group_count != parsed.inode_count)
        return fail(Error::corrupt);
    return {};
}

Result<> parse_descriptors(layout::Superblock const& raw, Superblock& parsed) {
    parsed.descriptor_size = narrow_descriptor_size;
    if (parsed.has_incompatible(incompatible::wide)) {
        parsed.descriptor_size = raw.descriptor_size;
        if (!std::has_single_bit(parsed.descriptor_size) || parsed.descriptor_size < wide_descriptor_size ||
            parsed.descriptor_size > descriptor_size_limit)
            return fail(Error::corrupt);
    }
    parsed.descriptors_per_block = parsed.block_size / parsed.descriptor_size;
    parsed.first_meta_group = raw.first_meta_group;
    parsed.reserved_descriptor_blocks = raw.reserved_descriptor_blocks;
    return {};
}

}  // namespace

Result<Superblock> Superblock::parse(Bytes stored, std::uint64_t volume_bytes, Checksums checksums) {
    auto const raw = TRY(load<layout::Superblock>(stored, 0));
    if (raw.magic != layout::superblock_magic)
        return fail(Error::corrupt);
    Superblock parsed;
    TRY(parse_features(raw, parsed));
    TRY(parse_checksums(raw, stored, checksums, parsed));
    TRY(parse_blocks(raw, volume_bytes, parsed));
    TRY(parse_inodes(raw, parsed));
    TRY(parse_descriptors(raw, parsed));

    parsed.backup_groups = {raw.backup_groups[0], raw.backup_groups[1]};
    parsed.uuid = raw.uuid;
    parsed.label = raw.label;
    if (parsed.has_compatible(layout::compatible::has_journal)) {
        parsed.journal_inode = raw.journal_inode;
        parsed.journal_device = raw.journal_device;
    }
    for (std::size_t index = 0; index < parsed.hash_seed.size(); ++index)
        parsed.hash_seed[index] = raw.hash_seed[index];
    parsed.uses_unsigned_hash = (raw.flags & layout::flag_unsigned_hash) != 0;
    return parsed;
}

bool Superblock::has_backup(std::uint32_t group) const {
    if (group == 0)
        return true;
    if (has_compatible(layout::compatible::sparse_super2))
        return group == backup_groups[0] || group == backup_groups[1];
    if (group == 1 || !has_read_only(layout::read_only::sparse_super))
        return true;
    return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

BlockNumber Superblock::descriptor_block(std::uint32_t group) const {
    auto const index = group / descriptors_per_block;
    // Block 1 holds the superblock when blocks are 1 KiB, even where bigalloc says that data starts at block 0.
    auto const primary = (block_size == 1024 ? 1 : 0) + BlockNumber{1};
    if (!has_incompatible(layout::incompatible::meta_groups) || index < first_meta_group)
        return primary + index;
    auto const first_of_meta_group = index * descriptors_per_block;
    if (first_of_meta_group == 0)
        return primary;
    auto const start = first_data_block + std::uint64_t{first_of_meta_group} * blocks_per_group;
    return start + (has_backup(first_of_meta_group) ? 1 : 0);
}

std::uint64_t Superblock::compute_overhead() const {
    auto const descriptor_blocks =
        (std::uint64_t{group_count} + descriptors_per_block - 1) / descriptors_per_block + reserved_descriptor_blocks;
    auto const inode_blocks = (inodes_per_group + inodes_per_block - 1) / inodes_per_block;
    std::uint64_t overhead = first_data_block;
    for (std::uint32_t group = 0; group < group_count; ++group)
        overhead += 2 + inode_blocks + (has_backup(group) ? 1 + descriptor_blocks : 0);
    return overhead < block_count ? overhead : 0;
}

}  // namespace astrata::ext4
