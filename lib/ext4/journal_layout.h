// The on-disk structures of jbd2, the journal of ext3 and ext4: all big-endian.
// Source: the Linux kernel's documentation, filesystems/ext4/journal.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"

namespace astrata::ext4::journal_layout {

inline constexpr std::uint32_t magic = 0xc03b'3998;

enum BlockType : std::uint32_t { descriptor = 1, commit = 2, superblock_v1 = 3, superblock_v2 = 4, revoke = 5 };

struct Header {
    be32 magic;
    be32 type;
    be32 sequence;  // the transaction that the block belongs to
};
static_assert(sizeof(Header) == 12);

struct Superblock {
    Header header;
    be32 block_size;
    be32 block_count;
    be32 first_block;     // of the log
    be32 first_sequence;  // expected in the log
    be32 start;           // where the log begins; 0: it is empty
    be32 error;
    // From here on only in version 2.
    be32 compatible_features;
    be32 incompatible_features;
    be32 read_only_features;
    std::array<std::byte, 16> uuid;
    be32 user_count;
    be32 unused1;
    be32 transaction_limit;
    be32 transaction_data_limit;
    std::uint8_t checksum_type;  // 4: crc32c
    std::array<std::byte, 171> unused2;
    be32 checksum;
    std::array<std::byte, 768> users;
};
static_assert(sizeof(Superblock) == 1024);
static_assert(offsetof(Superblock, checksum_type) == 0x50);
static_assert(offsetof(Superblock, checksum) == 0xfc);

inline constexpr std::uint32_t has_revokes = 1, has_64_bit = 2, has_asynchronous_commit = 4, has_checksum_v2 = 8,
                               has_checksum_v3 = 0x10;
inline constexpr std::uint8_t checksum_type_crc32c = 4;

/// One logged block, in a descriptor block. With has_checksum_v3:
struct TagV3 {
    be32 block_low;
    be32 flags;
    be32 block_high;
    be32 checksum;
};
static_assert(sizeof(TagV3) == 16);

/// Otherwise; followed by the block number's high 32 bits with has_64_bit, and by two unused bytes with
/// has_checksum_v2.
struct Tag {
    be32 block_low;
    be16 checksum;
    be16 flags;
};
static_assert(sizeof(Tag) == 8);

inline constexpr std::uint32_t tag_escaped = 1, tag_same_uuid = 2, tag_deleted = 4, tag_last = 8;
inline constexpr std::size_t tag_uuid_size = 16;  // follows a tag without tag_same_uuid

struct RevokeHeader {
    Header header;
    be32 used;  // bytes of the block in use, this header included
};
static_assert(sizeof(RevokeHeader) == 16);

struct CommitHeader {
    Header header;
    std::uint8_t checksum_type;
    std::uint8_t checksum_size;
    std::array<std::byte, 2> unused;
    std::array<be32, 8> checksum;
    be64 seconds;
    be32 nanoseconds;
};
static_assert(offsetof(CommitHeader, checksum) == 16);

}  // namespace astrata::ext4::journal_layout
