// From what the reader says to what the FileSystem interface says.
#pragma once

#include <array>
#include <cstdint>

#include "abi/file_system_types.h"
#include "lib/ext4/volume.h"

namespace astrata::ext4_strate {

inline constexpr std::size_t listing_bytes = 3900;  // of one read_directory reply

[[nodiscard]] abi::NodeAttributes to_attributes(ext4::Inode const& inode);
[[nodiscard]] abi::FileSystemStatistics to_statistics(ext4::Superblock const& superblock,
                                                      ext4::Statistics const& statistics);

/// The inode behind a client's node id. Only files have ids: the file system's own inodes cannot be reached.
/// errors    not_found
[[nodiscard]] Result<ext4::InodeNumber> to_inode_number(ext4::Superblock const& superblock, std::uint64_t node);

/// Packs directory entries as FileSystem.read_directory describes.
class ListingPacker final : public ext4::DirectoryVisitor {
public:
    bool visit(ext4::DirectoryEntry const& entry, std::uint64_t next) override;

    [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(used_); }

    /// The position and inode of an entry at or behind `from` whose kind the directory does not say. Such an entry
    /// needs set_kind before the listing is of use.
    struct Unknown {
        std::size_t position;
        ext4::InodeNumber inode;
    };
    [[nodiscard]] std::optional<Unknown> find_unknown(std::size_t from) const;
    void set_kind(std::size_t position, abi::NodeKind kind);

private:
    std::array<std::byte, listing_bytes> bytes_;
    std::size_t used_ = 0;
};

/// Packs names of extended attributes, each ended by a zero byte. Those that do not fit are left out.
class NamePacker final : public ext4::AttributeVisitor {
public:
    bool visit(ext4::AttributeName const& name, std::size_t value_size) override;
    [[nodiscard]] Bytes bytes() const { return Bytes(bytes_).first(used_); }

private:
    std::array<std::byte, listing_bytes> bytes_;
    std::size_t used_ = 0;
};

[[nodiscard]] abi::NodeKind to_kind(ext4::FileType type);

}  // namespace astrata::ext4_strate
