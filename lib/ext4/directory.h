// Directories: reading all entries, and finding one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/async/task.h"
#include "lib/ext4/inode.h"
#include "lib/ext4/metadata.h"

namespace astrata::ext4 {

struct DirectoryEntry {
    InodeNumber inode = 0;
    FileType type = FileType::unknown;  // `unknown` in file systems that do not record it
    std::string_view name;              // not empty, no '/', no zero byte
};

class DirectoryVisitor {
public:
    /// Called for each entry in turn, . and .. included; `entry.name` is valid during the call only.
    /// next      the cursor from which reading goes on behind this entry
    /// returns   whether the entry was taken; false ends the walk before it
    virtual bool visit(DirectoryEntry const& entry, std::uint64_t next) = 0;

protected:
    ~DirectoryVisitor() = default;
};

/// Visits the entries from `cursor` on, 0 at first. A cursor is a plain position in the directory: any number is safe.
/// returns   the cursor of the entry that was not taken, or of the end
/// errors    not_a_directory, corrupt, io, no_memory
async::Task<Result<std::uint64_t>> read_directory(Metadata& metadata, Inode const& directory, std::uint64_t cursor,
                                                  DirectoryVisitor& visitor);

/// The inode that `name` stands for.
/// name      must outlive the task
/// errors    not_found, not_a_directory, name_too_long, corrupt, io, no_memory
async::Task<Result<InodeNumber>> find_in_directory(Metadata& metadata, Inode const& directory, std::string_view name);

// What follows is shared between the files that implement the above.

/// The entries of one block, or of a piece of inline data, in stored order; free ones are skipped.
class EntryReader {
public:
    EntryReader(Superblock const& superblock, Bytes region) : superblock_(superblock), region_(region) {}

    struct Item {
        DirectoryEntry entry;
        std::size_t start;  // in the region
        std::size_t end;
    };
    /// Nothing at the end.
    /// errors    corrupt
    Result<std::optional<Item>> next();

private:
    Superblock const& superblock_;
    Bytes region_;
    std::size_t offset_ = 0;
};

/// The inode of `name` in one block or piece of inline data, if it is there.
Result<std::optional<InodeNumber>> find_in_region(Superblock const& superblock, Bytes region, std::string_view name);

/// Checks the checksum of a directory's block, of whichever kind it is.
/// logical   the block's place in the directory
/// errors    corrupt
Result<> verify_directory_block(Superblock const& superblock, Inode const& directory, std::uint64_t logical,
                                CachedBlock& block);

/// Looks `name` up in a directory's hash index.
/// returns   nothing when the index uses a hash this reader does not know
/// errors    not_found, corrupt, io, no_memory
async::Task<Result<std::optional<InodeNumber>>> find_by_hash(Metadata& metadata, Inode const& directory,
                                                             std::string_view name);

}  // namespace astrata::ext4
