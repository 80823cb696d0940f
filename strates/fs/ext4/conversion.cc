#include "strates/fs/ext4/conversion.h"

#include <algorithm>
#include <limits>

namespace astrata::ext4_strate {
namespace {

constexpr std::uint8_t unknown_kind = 0xff;
constexpr std::size_t kind_at = 16, length_at = 17, entry_header = 18;  // of a packed entry
constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

// Saturates outside the years 1678 to 2262.
std::int64_t to_nanoseconds(ext4::Timestamp time) {
    constexpr auto limits = std::numeric_limits<std::int64_t>();
    std::int64_t result = 0;
    if (__builtin_mul_overflow(time.seconds, nanoseconds_per_second, &result) ||
        __builtin_add_overflow(result, time.nanoseconds, &result))
        return time.seconds < 0 ? limits.min() : limits.max();
    return result;
}

// As Linux hands device numbers to programs and stores them: the minor number lies around the major one.
std::uint32_t to_device(std::uint32_t major, std::uint32_t minor) {
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xf'ff00) << 12;
}

abi::Text<40> to_text(std::array<std::byte, 16> const& uuid) {
    constexpr std::string_view digits = "0123456789abcdef";
    abi::Text<40> text;
    std::size_t at = 0;
    for (std::size_t index = 0; index < uuid.size(); ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10)
            text.bytes[at++] = '-';
        auto const value = std::to_integer<unsigned>(uuid[index]);
        text.bytes[at++] = digits[value >> 4];
        text.bytes[at++] = digits[value & 15];
    }
    return text;
}

std::string_view kind_of(ext4::Superblock const& superblock) {
    if (superblock.has_incompatible(ext4::layout::incompatible::extents))
        return "ext4";
    return superblock.has_compatible(ext4::layout::compatible::has_journal) ? "ext3" : "ext2";
}

}  // namespace

abi::NodeKind to_kind(ext4::FileType type) {
    switch (type) {
    case ext4::FileType::unknown:
    case ext4::FileType::regular: return abi::NodeKind::file;
    case ext4::FileType::directory: return abi::NodeKind::directory;
    case ext4::FileType::character_device: return abi::NodeKind::character_device;
    case ext4::FileType::block_device: return abi::NodeKind::block_device;
    case ext4::FileType::fifo: return abi::NodeKind::fifo;
    case ext4::FileType::socket: return abi::NodeKind::socket;
    case ext4::FileType::symbolic_link: return abi::NodeKind::symbolic_link;
    }
    return abi::NodeKind::file;
}

abi::NodeAttributes to_attributes(ext4::Inode const& inode) {
    return {.node = inode.number,
            .size = inode.size,
            .blocks_512 = inode.sectors,
            .kind = to_kind(inode.type),
            .mode = inode.permissions,
            .uid = inode.uid,
            .gid = inode.gid,
            .links = inode.link_count,
            .device = to_device(inode.device_major, inode.device_minor),
            .accessed_ns = to_nanoseconds(inode.accessed),
            .modified_ns = to_nanoseconds(inode.modified),
            .changed_ns = to_nanoseconds(inode.changed),
            .created_ns = to_nanoseconds(inode.created)};
}

abi::FileSystemStatistics to_statistics(ext4::Superblock const& superblock, ext4::Statistics const& statistics) {
    return {.block_size = statistics.block_size,
            .flags = abi::FileSystemFlags::read_only,
            .name_limit = ext4::name_limit,
            .blocks = statistics.blocks,
            .blocks_free = statistics.free_blocks,
            .blocks_available = statistics.available_blocks,
            .nodes = statistics.inodes,
            .nodes_free = statistics.free_inodes,
            .kind = abi::Text<16>::from(kind_of(superblock)),
            .label = {.bytes = superblock.label},
            .uuid = to_text(superblock.uuid)};
}

Result<ext4::InodeNumber> to_inode_number(ext4::Superblock const& superblock, std::uint64_t node) {
    if (node > superblock.inode_count || (node != ext4::root_inode && node < superblock.first_inode))
        return fail(Error::not_found);
    return static_cast<ext4::InodeNumber>(node);
}

bool ListingPacker::visit(ext4::DirectoryEntry const& entry, std::uint64_t next) {
    if (bytes_.size() - used_ < entry_header + entry.name.size())
        return false;
    auto const packed = std::span(bytes_).subspan(used_);
    auto const kind =
        entry.type == ext4::FileType::unknown ? unknown_kind : static_cast<std::uint8_t>(to_kind(entry.type));
    // Names have at most 255 bytes, and everything fits: see above.
    static_cast<void>(store(packed, 0, le64(entry.inode)));
    static_cast<void>(store(packed, sizeof(le64), le64(next)));
    static_cast<void>(store(packed, kind_at, kind));
    static_cast<void>(store(packed, length_at, static_cast<std::uint8_t>(entry.name.size())));
    std::ranges::copy(as_bytes(entry.name), packed.subspan(entry_header).begin());
    used_ += entry_header + entry.name.size();
    return true;
}

std::optional<ListingPacker::Unknown> ListingPacker::find_unknown(std::size_t from) const {
    while (from + entry_header <= used_) {
        if (std::to_integer<std::uint8_t>(bytes_[from + kind_at]) == unknown_kind) {
            auto const inode = load<le64>(bytes(), from);
            return Unknown{.position = from,
                           .inode = static_cast<ext4::InodeNumber>(inode ? std::uint64_t{*inode} : 0)};
        }
        from += entry_header + std::to_integer<std::size_t>(bytes_[from + length_at]);
    }
    return std::nullopt;
}

void ListingPacker::set_kind(std::size_t position, abi::NodeKind kind) {
    bytes_[position + kind_at] = static_cast<std::byte>(kind);
}

bool NamePacker::visit(ext4::AttributeName const& name, std::size_t) {
    if (bytes_.size() - used_ < name.size() + 1)
        return false;
    auto rest = std::span(bytes_).subspan(used_);
    for (auto const part : {name.prefix, name.rest}) {
        std::ranges::copy(as_bytes(part), rest.begin());
        rest = rest.subspan(part.size());
    }
    rest.front() = std::byte{0};
    used_ += name.size() + 1;
    return true;
}

}  // namespace astrata::ext4_strate
