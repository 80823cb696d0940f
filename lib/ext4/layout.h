// The on-disk structures of ext2, ext3 and ext4: all little-endian, byte-aligned, exactly as stored.
// Source: "ext4 Data Structures and Algorithms" in the Linux kernel's documentation (filesystems/ext4/). Only what a
// reader needs has a name; fields that are skipped are `unused`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"

namespace astrata::ext4::layout {

template <std::size_t size>
using Gap = std::array<std::byte, size>;

inline constexpr std::uint64_t superblock_offset = 1024;  // bytes from the start of the volume, whatever the block size

struct Superblock {
    le32 inode_count;
    le32 block_count_low;
    le32 reserved_block_count_low;
    le32 free_block_count_low;
    le32 free_inode_count;
    le32 first_data_block;
    le32 log_block_size;    // block size is 1024 << this
    le32 log_cluster_size;  // likewise, with bigalloc
    le32 blocks_per_group;
    le32 clusters_per_group;
    le32 inodes_per_group;
    le32 mount_time;
    le32 write_time;
    le16 mount_count;
    le16 max_mount_count;
    le16 magic;
    le16 state;
    le16 error_behaviour;
    le16 minor_revision;
    le32 check_time;
    le32 check_interval;
    le32 creator_os;
    le32 revision;
    le16 reserved_uid;
    le16 reserved_gid;
    // From here on only with revision >= 1.
    le32 first_inode;
    le16 inode_size;
    le16 own_group;
    le32 compatible_features;
    le32 incompatible_features;
    le32 read_only_features;
    std::array<std::byte, 16> uuid;
    std::array<char, 16> label;
    Gap<64> last_mounted_at;
    le32 algorithm_bitmap;
    std::uint8_t preallocated_blocks;
    std::uint8_t preallocated_directory_blocks;
    le16 reserved_descriptor_blocks;
    Gap<16> journal_uuid;
    le32 journal_inode;
    le32 journal_device;
    le32 last_orphan;
    std::array<le32, 4> hash_seed;
    std::uint8_t default_hash_version;
    std::uint8_t journal_backup_type;
    le16 descriptor_size;
    le32 default_mount_options;
    le32 first_meta_group;
    le32 creation_time;
    Gap<68> journal_backup;
    le32 block_count_high;
    le32 reserved_block_count_high;
    le32 free_block_count_high;
    le16 minimum_extra_inode_size;
    le16 wanted_extra_inode_size;
    le32 flags;
    Gap<16> unused1;
    std::uint8_t log_groups_per_flex;
    std::uint8_t checksum_type;  // 1: crc32c
    Gap<210> unused2;
    le32 overhead_clusters;
    std::array<le32, 2> backup_groups;  // with sparse_super2
    Gap<28> unused3;
    le32 checksum_seed;  // with metadata_csum_seed
    Gap<392> unused4;
    le32 checksum;
};
static_assert(sizeof(Superblock) == 1024);
static_assert(offsetof(Superblock, magic) == 0x38);
static_assert(offsetof(Superblock, uuid) == 0x68);
static_assert(offsetof(Superblock, hash_seed) == 0xec);
static_assert(offsetof(Superblock, block_count_high) == 0x150);
static_assert(offsetof(Superblock, flags) == 0x160);
static_assert(offsetof(Superblock, checksum_type) == 0x175);
static_assert(offsetof(Superblock, overhead_clusters) == 0x248);
static_assert(offsetof(Superblock, checksum_seed) == 0x270);
static_assert(offsetof(Superblock, checksum) == 0x3fc);

inline constexpr std::uint16_t superblock_magic = 0xef53;
inline constexpr std::uint32_t flag_unsigned_hash = 2;  // directory hashes treat name bytes as unsigned

namespace compatible {
inline constexpr std::uint32_t has_journal = 0x4, directory_index = 0x20, sparse_super2 = 0x200;
}
namespace incompatible {
inline constexpr std::uint32_t file_type = 0x2, recover = 0x4, meta_groups = 0x10, extents = 0x40, wide = 0x80,
                               multi_mount_protection = 0x100, flexible_groups = 0x200, attribute_inodes = 0x400,
                               checksum_seed = 0x2000, large_directories = 0x4000, inline_data = 0x8000;
}
namespace read_only {
inline constexpr std::uint32_t sparse_super = 0x1, huge_file = 0x8, group_checksums = 0x10, big_allocation = 0x200,
                               metadata_checksums = 0x400;
}

struct GroupDescriptor {
    le32 block_bitmap_low;
    le32 inode_bitmap_low;
    le32 inode_table_low;
    le16 free_block_count_low;
    le16 free_inode_count_low;
    le16 directory_count_low;
    le16 flags;
    Gap<10> unused;
    le16 checksum;
};
static_assert(sizeof(GroupDescriptor) == 32);

/// Follows when descriptors are at least 64 bytes.
struct GroupDescriptorHigh {
    le32 block_bitmap_high;
    le32 inode_bitmap_high;
    le32 inode_table_high;
    le16 free_block_count_high;
    le16 free_inode_count_high;
    Gap<16> unused;
};
static_assert(sizeof(GroupDescriptorHigh) == 32);

struct Inode {
    le16 mode;
    le16 uid_low;
    le32 size_low;
    le32 access_time;
    le32 change_time;
    le32 modify_time;
    le32 deletion_time;
    le16 gid_low;
    le16 link_count;
    le32 block_count_low;
    le32 flags;
    le32 version;
    std::array<std::byte, 60> block_area;  // extent tree root, block map, symlink target, device number or data
    le32 generation;
    le32 attribute_block_low;
    le32 size_high;
    le32 unused1;
    le16 block_count_high;
    le16 attribute_block_high;
    le16 uid_high;
    le16 gid_high;
    le16 checksum_low;
    le16 unused2;
};
static_assert(sizeof(Inode) == 128);

/// Follows in inodes larger than 128 bytes; `extra_size` says how much of it is in use.
struct InodeExtra {
    le16 extra_size;
    le16 checksum_high;
    le32 change_time_extra;  // two more bits of seconds, then 30 bits of nanoseconds
    le32 modify_time_extra;
    le32 access_time_extra;
    le32 creation_time;
    le32 creation_time_extra;
    le32 version_high;
    le32 project;
};
static_assert(sizeof(InodeExtra) == 32);

inline constexpr std::uint32_t inode_flag_encrypted = 0x800, inode_flag_indexed = 0x1000,
                               inode_flag_huge_file = 0x4'0000, inode_flag_extents = 0x8'0000,
                               inode_flag_attribute_value = 0x20'0000, inode_flag_inline_data = 0x1000'0000;

struct ExtentHeader {
    le16 magic;
    le16 entry_count;
    le16 capacity;
    le16 depth;
    le32 generation;
};
struct Extent {
    le32 logical;
    le16 length;  // above 32768: unwritten, length is 32768 less
    le16 start_high;
    le32 start_low;
};
struct ExtentIndex {
    le32 logical;
    le32 child_low;
    le16 child_high;
    le16 unused;
};
static_assert(sizeof(ExtentHeader) == 12 && sizeof(Extent) == 12 && sizeof(ExtentIndex) == 12);
inline constexpr std::uint16_t extent_magic = 0xf30a;

struct DirectoryEntry {
    le32 inode;  // 0: the entry is free
    le16 length;
    std::uint8_t name_length;
    std::uint8_t type;  // with the file_type feature
};
static_assert(sizeof(DirectoryEntry) == 8);

/// Ends a directory block that has a checksum; shaped like a free entry.
struct DirectoryTail {
    le32 zero1;
    le16 length;  // 12
    std::uint8_t zero2;
    std::uint8_t type;  // 0xde
    le32 checksum;
};
static_assert(sizeof(DirectoryTail) == 12);
inline constexpr std::uint8_t directory_tail_type = 0xde;

struct HashIndexRoot {  // after the entries for . and ..
    le32 zero;
    std::uint8_t hash_version;
    std::uint8_t length;  // 8
    std::uint8_t levels;  // index levels below the root
    std::uint8_t unused;
};
static_assert(sizeof(HashIndexRoot) == 8);

/// The first entry has these two in place of its hash, which counts as 0.
struct HashIndexLimits {
    le16 capacity;
    le16 count;
};
struct HashIndexEntry {
    le32 hash;
    le32 block;  // logical, in the directory
};
struct HashIndexTail {
    le32 unused;
    le32 checksum;
};
static_assert(sizeof(HashIndexEntry) == 8 && sizeof(HashIndexTail) == 8);

inline constexpr std::uint32_t attribute_magic = 0xea02'0000;
struct AttributeBlockHeader {
    le32 magic;
    le32 reference_count;
    le32 block_count;
    le32 hash;
    le32 checksum;
    Gap<12> unused;
};
static_assert(sizeof(AttributeBlockHeader) == 32);
struct AttributeEntry {
    std::uint8_t name_length;
    std::uint8_t name_prefix;
    le16 value_offset;
    le32 value_inode;  // not 0: the value is that inode's data
    le32 value_size;
    le32 hash;
};
static_assert(sizeof(AttributeEntry) == 16);

}  // namespace astrata::ext4::layout
