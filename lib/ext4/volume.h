// A mounted ext2, ext3 or ext4 file system, read-only. Everything a file-system strate needs; start reading here.
//
// Nothing here blocks: whatever may have to wait for the disk is a task. Several tasks may be under way at once on one
// thread. The volume, and all arguments passed by reference, must outlive the tasks that use them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "lib/async/task.h"
#include "lib/ext4/attributes.h"
#include "lib/ext4/block_source.h"
#include "lib/ext4/directory.h"
#include "lib/ext4/inode.h"
#include "lib/ext4/mapping.h"
#include "lib/ext4/metadata.h"
#include "lib/ext4/types.h"

namespace astrata::ext4 {

struct MountOptions {
    std::size_t cached_blocks = 128;  // metadata blocks kept in memory; fewer where they are larger than 4 KiB
    Checksums checksums = Checksums::verify;
};

/// What statfs(2) reports.
struct Statistics {
    std::uint32_t block_size = 0;  // bytes
    std::uint64_t blocks = 0;      // for data, all together
    std::uint64_t free_blocks = 0;
    std::uint64_t available_blocks = 0;  // to unprivileged users
    std::uint64_t inodes = 0;
    std::uint64_t free_inodes = 0;
};

class Volume {
public:
    /// Reads and checks the superblock; replays the journal into memory if the file system was not unmounted cleanly.
    /// source    must outlive the volume
    /// errors    corrupt, not_supported (a feature that this reader does not know), io, no_memory, invalid_argument
    /// (the
    ///           source's block size)
    static async::Task<Result<std::unique_ptr<Volume>>> mount(BlockSource& source, MountOptions options = {});

    [[nodiscard]] Superblock const& superblock() const { return metadata_.superblock; }
    [[nodiscard]] std::uint32_t block_size() const { return metadata_.superblock.block_size; }

    /// errors    out_of_range (no such number), not_found (not in use), corrupt, not_supported (encrypted), io,
    /// no_memory
    async::Task<Result<Inode>> read_inode(InodeNumber number) { return ext4::read_inode(metadata_, number); }

    /// errors    not_found, not_a_directory, name_too_long, corrupt, io, no_memory
    async::Task<Result<InodeNumber>> lookup(Inode const& directory, std::string_view name) {
        return find_in_directory(metadata_, directory, name);
    }

    /// See ext4::read_directory.
    async::Task<Result<std::uint64_t>> read_directory(Inode const& directory, std::uint64_t cursor,
                                                      DirectoryVisitor& visitor) {
        return ext4::read_directory(metadata_, directory, cursor, visitor);
    }

    /// The run that contains logical block `first` of a file, cut to `limit` > 0 blocks from there: for reading
    /// straight from the disk into page frames. Blocks past the end of the file may be mapped too. errors    corrupt,
    /// io, no_memory
    async::Task<Result<Mapping>> map_blocks(Inode const& inode, std::uint64_t first, std::uint64_t limit);

    /// Reads a regular file from `offset` on. Whole blocks go straight from the source into `into`; what of it lies
    /// past the end of the file is zeroed. returns   bytes before the end of the file, 0 at or past it errors
    /// is_a_directory, invalid_argument (neither file nor directory), corrupt, io, no_memory
    async::Task<Result<std::size_t>> read(Inode const& inode, std::uint64_t offset, MutableBytes into);

    /// Copies the target of a symbolic link to the front of `into` and returns its length, at most 4096 bytes.
    /// errors    invalid_argument (not a symbolic link), out_of_range (`into` is too small), corrupt, io, no_memory
    async::Task<Result<std::size_t>> read_link(Inode const& inode, MutableBytes into);

    /// See ext4::list_attributes and ext4::get_attribute.
    async::Task<Result<>> list_attributes(Inode const& inode, AttributeVisitor& visitor) {
        return ext4::list_attributes(metadata_, inode, visitor);
    }
    async::Task<Result<std::size_t>> get_attribute(Inode const& inode, std::string_view name, MutableBytes into) {
        return ext4::get_attribute(metadata_, inode, name, into);
    }

    /// Adds up the groups' free blocks and inodes, once; later calls know.
    /// errors    corrupt, io, no_memory
    async::Task<Result<Statistics>> statistics();

private:
    Volume(Superblock const& superblock, std::unique_ptr<BlockCache> cache) : metadata_(superblock, std::move(cache)) {}

    async::Task<Result<>> recover(Checksums checksums, std::uint64_t volume_bytes);
    async::Task<Result<std::size_t>> read_step(Inode const& inode, std::uint64_t offset, MutableBytes into);

    Metadata metadata_;
    std::optional<Statistics> statistics_;
};

}  // namespace astrata::ext4
