// The superblock: what kind of file system this is, and its geometry, checked so thoroughly that later arithmetic on it
// cannot overflow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/ext4/layout.h"
#include "lib/ext4/types.h"

namespace astrata::ext4 {

/// Whether stored checksums are compared. `ignore` is for rescuing data, and for fuzzing what lies behind them.
enum class Checksums : std::uint8_t { verify, ignore };

struct Superblock {
    /// Parses and validates the 1024 bytes of a superblock.
    /// volume_bytes  size of the volume that holds it; the file system must fit
    /// errors    corrupt (not ext2/3/4, bad checksum, impossible geometry), not_supported (a feature or revision that
    /// this
    ///           reader does not know; block size above 64 KiB)
    static Result<Superblock> parse(Bytes stored, std::uint64_t volume_bytes, Checksums checksums);

    std::uint32_t inode_count = 0;
    std::uint64_t block_count = 0;  // 1..2^48
    std::uint64_t reserved_block_count = 0;
    std::uint64_t overhead_blocks = 0;  // as mke2fs counted them; 0: unknown
    std::uint32_t first_data_block = 0;
    std::uint32_t block_bits = 0;
    std::uint32_t block_size = 0;    // bytes, 1024..65536
    std::uint32_t cluster_bits = 0;  // a cluster, the unit of allocation, has 1 << this blocks
    std::uint32_t blocks_per_group = 0;
    std::uint32_t inodes_per_group = 0;
    std::uint32_t inodes_per_block = 0;
    std::uint32_t group_count = 0;
    std::uint32_t inode_size = 0;  // bytes, 128..block_size
    std::uint32_t descriptor_size = 0;
    std::uint32_t descriptors_per_block = 0;
    std::uint32_t first_meta_group = 0;
    std::uint32_t reserved_descriptor_blocks = 0;
    std::uint32_t compatible_features = 0;
    std::uint32_t incompatible_features = 0;
    std::uint32_t read_only_features = 0;
    std::array<std::uint32_t, 2> backup_groups{};
    std::array<std::byte, 16> uuid{};
    std::array<char, 16> label{};
    InodeNumber first_inode = 0;  // that a file can have; below are the root's and those of the file system's own
    InodeNumber journal_inode = 0;
    std::uint32_t journal_device = 0;
    std::array<std::uint32_t, 4> hash_seed{};
    bool uses_unsigned_hash = false;
    std::uint32_t checksum_seed = 0;
    bool has_metadata_checksums = false;  // and they are to be verified
    bool has_group_checksums = false;     // the older crc16 ones, likewise

    [[nodiscard]] bool has_compatible(std::uint32_t feature) const { return (compatible_features & feature) != 0; }
    [[nodiscard]] bool has_incompatible(std::uint32_t feature) const { return (incompatible_features & feature) != 0; }
    [[nodiscard]] bool has_read_only(std::uint32_t feature) const { return (read_only_features & feature) != 0; }

    /// Whether the group starts with a copy of the superblock and the descriptors.
    [[nodiscard]] bool has_backup(std::uint32_t group) const;
    /// The block that holds the group's descriptor.
    [[nodiscard]] BlockNumber descriptor_block(std::uint32_t group) const;
    /// Blocks that hold no file data, counted the way Linux does for a file system whose creator did not.
    [[nodiscard]] std::uint64_t compute_overhead() const;
    /// Whether `count` blocks from `first` lie inside the file system, past its boot area.
    [[nodiscard]] bool contains(BlockNumber first, std::uint64_t count) const {
        return first >= first_data_block && first != 0 && first < block_count && count <= block_count - first;
    }
};

}  // namespace astrata::ext4
