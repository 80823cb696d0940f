#include "lib/ext4/directory.h"

#include <algorithm>

#include "lib/ext4/inline_data.h"
#include "lib/ext4/mapping.h"

namespace astrata::ext4 {
namespace {

constexpr std::size_t entry_alignment = 4;
constexpr std::uint32_t largest_block = 65536;

// Inline directories store no entry for . and ..; these are their cursors. Stored entries come behind, at the position
// of their bytes in the file's data, which starts with the parent's number.
constexpr std::uint64_t inline_dot = 0;
constexpr std::uint64_t inline_dot_dot = 1;
constexpr std::uint64_t inline_entries = sizeof(le32);

FileType type_from_stored(std::uint8_t stored) {
    switch (stored) {
    case 1: return FileType::regular;
    case 2: return FileType::directory;
    case 3: return FileType::character_device;
    case 4: return FileType::block_device;
    case 5: return FileType::fifo;
    case 6: return FileType::socket;
    case 7: return FileType::symbolic_link;
    default: return FileType::unknown;
    }
}

// Lengths of a whole 64 KiB block do not fit in 16 bits; their two low bits, otherwise zero, stand for bits 16 and 17.
std::uint32_t decode_length(std::uint16_t stored, std::uint32_t block_size) {
    if (block_size < largest_block)
        return stored;
    if (stored == 0 || stored == 0xffff)
        return block_size;
    return (stored & 0xfffcu) | (stored & 3u) << 16;
}

bool is_sane_name(std::string_view name) {
    return !name.empty() && name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

// The parts of an inline directory that hold entries, with the cursor at which each starts.
struct InlineRegions {
    InodeNumber parent;
    Bytes front;
    Bytes back;
    std::uint64_t back_cursor;
};

Result<InlineRegions> inline_regions(Superblock const& superblock, InlineData const& data) {
    auto const parent = TRY(load<le32>(data.front(), 0));
    if (parent == 0 || parent > superblock.inode_count)
        return fail(Error::corrupt);
    return InlineRegions{.parent = parent,
                         .front = data.front().subspan(inline_entries),
                         .back = data.back(),
                         .back_cursor = data.front().size()};
}

// Visits a region's entries that start at or behind `cursor`. The region's first byte has cursor `base`.
// returns   the cursor behind the region, and whether the visitor stopped before that
struct Visited {
    std::uint64_t cursor;
    bool is_stopped;
};

Result<Visited> visit_region(Superblock const& superblock, Bytes region, std::uint64_t base, std::uint64_t cursor,
                             DirectoryVisitor& visitor) {
    EntryReader reader(superblock, region);
    while (auto const item = TRY(reader.next())) {
        if (base + item->start < cursor)
            continue;
        if (!visitor.visit(item->entry, base + item->end))
            return Visited{.cursor = base + item->start, .is_stopped = true};
    }
    return Visited{.cursor = base + region.size(), .is_stopped = false};
}

async::Task<Result<std::uint64_t>> read_inline_directory(Metadata& metadata, Inode const& directory,
                                                         std::uint64_t cursor, DirectoryVisitor& visitor) {
    auto const& superblock = metadata.superblock;
    auto const data = CO_TRY(co_await InlineData::read(metadata, directory));
    auto const regions = CO_TRY(inline_regions(superblock, data));
    if (cursor <= inline_dot) {
        if (!visitor.visit({.inode = directory.number, .type = FileType::directory, .name = "."}, inline_dot_dot))
            co_return inline_dot;
    }
    if (cursor <= inline_dot_dot) {
        if (!visitor.visit({.inode = regions.parent, .type = FileType::directory, .name = ".."}, inline_entries))
            co_return inline_dot_dot;
    }
    auto visited = CO_TRY(visit_region(superblock, regions.front, inline_entries, cursor, visitor));
    if (!visited.is_stopped)
        visited = CO_TRY(visit_region(superblock, regions.back, regions.back_cursor, cursor, visitor));
    co_return std::max(cursor, visited.cursor);
}

async::Task<Result<InodeNumber>> find_in_inline_directory(Metadata& metadata, Inode const& directory,
                                                          std::string_view name) {
    auto const& superblock = metadata.superblock;
    if (name == ".")
        co_return directory.number;
    auto const data = CO_TRY(co_await InlineData::read(metadata, directory));
    auto const regions = CO_TRY(inline_regions(superblock, data));
    if (name == "..")
        co_return regions.parent;
    for (auto const region : {regions.front, regions.back}) {
        auto const found = CO_TRY(find_in_region(superblock, region, name));
        if (found)
            co_return *found;
    }
    co_return fail(Error::not_found);
}

// One step through a directory's blocks: the block at or behind `logical` that exists, and which one it is.
struct Step {
    std::uint64_t logical;
    std::optional<CachedBlock> block;  // nothing: only holes are left
};

async::Task<Result<Step>> next_block(Metadata& metadata, Inode const& directory, std::uint64_t logical,
                                     std::uint64_t end) {
    // Holes have no business in a directory, but Linux walks over them too. Each turn passes a whole one.
    while (logical < end) {
        auto const mapping = CO_TRY(co_await map_blocks(metadata, directory, logical, end - logical));
        if (mapping.kind == Mapping::Kind::mapped) {
            auto block = CO_TRY(co_await metadata.block(mapping.physical));
            CO_TRY(verify_directory_block(metadata.superblock, directory, logical, block));
            co_return Step{.logical = logical, .block = std::move(block)};
        }
        logical += mapping.count;
    }
    co_return Step{.logical = end, .block = std::nullopt};
}

async::Task<Result<InodeNumber>> find_linearly(Metadata& metadata, Inode const& directory, std::string_view name) {
    auto const end = directory.size >> metadata.superblock.block_bits;
    for (std::uint64_t logical = 0; logical < end; ++logical) {
        auto const step = CO_TRY(co_await next_block(metadata, directory, logical, end));
        if (!step.block)
            break;
        auto const found = CO_TRY(find_in_region(metadata.superblock, step.block->bytes(), name));
        if (found)
            co_return *found;
        logical = step.logical;
    }
    co_return fail(Error::not_found);
}

}  // namespace

Result<std::optional<EntryReader::Item>> EntryReader::next() {
    while (offset_ < region_.size()) {
        auto const left = region_.subspan(offset_);
        auto const raw = load<layout::DirectoryEntry>(left, 0);
        if (!raw)
            return fail(Error::corrupt);
        auto const length = decode_length(raw->length, superblock_.block_size);
        if (length < sizeof(*raw) + entry_alignment || length % entry_alignment != 0 || length > left.size() ||
            raw->name_length > length - sizeof(*raw) || raw->inode > superblock_.inode_count)
            return fail(Error::corrupt);
        auto const start = offset_;
        offset_ += length;
        if (raw->inode == 0)
            continue;
        auto const name = as_text(left.subspan(sizeof(*raw), raw->name_length));
        if (!is_sane_name(name))
            return fail(Error::corrupt);
        bool const has_type = superblock_.has_incompatible(layout::incompatible::file_type);
        return Item{.entry = {.inode = raw->inode,
                              .type = has_type ? type_from_stored(raw->type) : FileType::unknown,
                              .name = name},
                    .start = start,
                    .end = offset_};
    }
    return std::nullopt;
}

Result<std::optional<InodeNumber>> find_in_region(Superblock const& superblock, Bytes region, std::string_view name) {
    EntryReader reader(superblock, region);
    while (auto const item = TRY(reader.next())) {
        if (item->entry.name == name)
            return item->entry.inode;
    }
    return std::nullopt;
}

async::Task<Result<std::uint64_t>> read_directory(Metadata& metadata, Inode const& directory, std::uint64_t cursor,
                                                  DirectoryVisitor& visitor) {
    if (!directory.is_directory())
        co_return fail(Error::not_a_directory);
    if (directory.has_inline_data())
        co_return co_await read_inline_directory(metadata, directory, cursor, visitor);

    auto const block_bits = metadata.superblock.block_bits;
    auto const end = directory.size >> block_bits;
    for (auto logical = cursor >> block_bits; logical < end;) {
        auto const step = CO_TRY(co_await next_block(metadata, directory, logical, end));
        if (!step.block)
            break;
        auto const visited =
            CO_TRY(visit_region(metadata.superblock, step.block->bytes(), step.logical << block_bits, cursor, visitor));
        if (visited.is_stopped)
            co_return visited.cursor;
        logical = step.logical + 1;
    }
    co_return std::max(cursor, end << block_bits);
}

async::Task<Result<InodeNumber>> find_in_directory(Metadata& metadata, Inode const& directory, std::string_view name) {
    if (!directory.is_directory())
        co_return fail(Error::not_a_directory);
    if (name.size() > name_limit)
        co_return fail(Error::name_too_long);
    if (name.empty())
        co_return fail(Error::not_found);
    if (directory.has_inline_data())
        co_return co_await find_in_inline_directory(metadata, directory, name);
    if (directory.has_flag(layout::inode_flag_indexed)) {
        auto const found = CO_TRY(co_await find_by_hash(metadata, directory, name));
        if (found)
            co_return *found;
    }
    co_return co_await find_linearly(metadata, directory, name);
}

}  // namespace astrata::ext4
