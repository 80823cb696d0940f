// Inodes: what a file is, and where its data starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lib/async/task.h"
#include "lib/ext4/heap_array.h"
#include "lib/ext4/layout.h"
#include "lib/ext4/metadata.h"
#include "lib/ext4/types.h"

namespace astrata::ext4 {

/// A point in time since 1970-01-01 00:00 UTC; before that, `seconds` is negative.
struct Timestamp {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;  // 0..999999999

    bool operator==(Timestamp const&) const = default;
};

struct Inode {
    InodeNumber number = 0;
    FileType type = FileType::unknown;  // never `unknown` once parsed
    std::uint16_t permissions = 0;      // the low twelve bits of the mode: rwx three times, set-id bits, sticky
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size = 0;     // bytes
    std::uint64_t sectors = 0;  // 512-byte units allocated to the file, as stat(2) counts them
    std::uint32_t link_count = 0;
    std::uint32_t flags = 0;
    std::uint32_t generation = 0;
    std::uint32_t project = 0;
    Timestamp accessed;
    Timestamp modified;
    Timestamp changed;
    Timestamp created;               // zero when the inode has no room for it
    std::uint32_t device_major = 0;  // character and block devices
    std::uint32_t device_minor = 0;
    BlockNumber attribute_block = 0;  // 0: none
    std::uint32_t checksum_seed = 0;  // starts the checksums of everything that belongs to this file
    std::uint16_t extra_size = 0;     // of the inode's part beyond 128 bytes; attributes follow it
    std::array<std::byte, 60> block_area{};

    [[nodiscard]] bool has_flag(std::uint32_t flag) const { return (flags & flag) != 0; }
    [[nodiscard]] bool has_inline_data() const { return has_flag(layout::inode_flag_inline_data); }
    [[nodiscard]] bool is_directory() const { return type == FileType::directory; }
};

/// Decodes and checks an inode.
/// stored    inode_size bytes
/// errors    corrupt; not_found (the inode is not in use); not_supported (encrypted)
Result<Inode> parse_inode(Superblock const& superblock, InodeNumber number, Bytes stored);

/// errors    as parse_inode; out_of_range (no such number), io, no_memory
async::Task<Result<Inode>> read_inode(Metadata& metadata, InodeNumber number);

/// A copy of the inode as stored, for what lies behind its fixed part.
/// errors    out_of_range, corrupt, io, no_memory
async::Task<Result<HeapArray<std::byte>>> read_stored_inode(Metadata& metadata, InodeNumber number);

}  // namespace astrata::ext4
