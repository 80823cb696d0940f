// The hash index of a directory (htree): block 0 holds the root, below it up to three levels of index nodes, then
// ordinary directory blocks. To code that does not know of it, each index block looks like one free entry.
#include <algorithm>
#include <array>

#include "lib/checksum/crc32c.h"
#include "lib/ext4/directory.h"
#include "lib/ext4/directory_hash.h"
#include "lib/ext4/mapping.h"

namespace astrata::ext4 {
namespace {

constexpr std::uint32_t dot_length = 12;  // the entry for . in an index root
constexpr std::size_t root_info_at = 24;  // behind the entries for . and ..
constexpr std::size_t root_limits_at = root_info_at + sizeof(layout::HashIndexRoot);
constexpr std::size_t node_limits_at = sizeof(layout::DirectoryEntry);
constexpr std::uint8_t level_limit = 2;  // below the root; one more with large_directories
constexpr std::size_t entry_size = sizeof(layout::HashIndexEntry);
constexpr std::uint32_t block_mask = 0x0fff'ffff;  // the rest is reserved
constexpr std::uint32_t collision_bit = 1;         // of a hash in the index: equal hashes go on from the block before
constexpr std::uint64_t index_tag = std::uint64_t{3} << 32;
constexpr std::uint64_t leaf_tag = std::uint64_t{4} << 32;

// The entries of an index block, checked to fit.
struct IndexNode {
    std::size_t entries_at;  // in the block; the first entry's hash holds the limits
    std::uint16_t capacity;
    std::uint16_t count;  // at least 1
    Bytes entries;        // `count` of them

    [[nodiscard]] layout::HashIndexEntry entry(std::size_t index) const {
        return *load<layout::HashIndexEntry>(entries, index * entry_size);
    }
    [[nodiscard]] std::uint32_t hash(std::size_t index) const {
        return index == 0 ? 0 : std::uint32_t{entry(index).hash};
    }
    [[nodiscard]] std::uint32_t block(std::size_t index) const { return entry(index).block & block_mask; }

    // The last entry whose hash is not above `wanted`.
    [[nodiscard]] std::size_t find(std::uint32_t wanted) const {
        std::size_t low = 1, high = count;
        while (low < high) {
            auto const middle = low + (high - low) / 2;
            if (hash(middle) <= wanted)
                low = middle + 1;
            else
                high = middle;
        }
        return low - 1;
    }
};

Result<IndexNode> parse_index_node(Bytes block, bool is_root) {
    auto const entries_at = is_root ? root_limits_at : node_limits_at;
    auto const limits = TRY(load<layout::HashIndexLimits>(block, entries_at));
    auto const space = block.subspan(entries_at);
    if (limits.count == 0 || limits.count > limits.capacity || limits.capacity > space.size() / entry_size)
        return fail(Error::corrupt);
    return IndexNode{.entries_at = entries_at,
                     .capacity = limits.capacity,
                     .count = limits.count,
                     .entries = space.first(limits.count * entry_size)};
}

// Whether a block of an indexed directory belongs to the index: the root is the first one, the nodes look like one free
// entry that fills the block. (A leaf without entries looks the same only where there are no checksums to confuse.)
bool is_index_block(Inode const& directory, std::uint64_t logical, Bytes block) {
    if (!directory.has_flag(layout::inode_flag_indexed))
        return false;
    if (logical == 0)
        return true;
    auto const first = load<layout::DirectoryEntry>(block, 0);
    auto const whole = block.size() < 65536 ? block.size() : 0;  // as stored in 16 bits
    return first && first->inode == 0 && (first->length == whole || (whole == 0 && first->length == 0xffff));
}

Result<> verify_index_checksum(Inode const& directory, std::uint64_t logical, Bytes block) {
    constexpr std::array<std::byte, sizeof(le32)> zeroed{};
    auto const node = TRY(parse_index_node(block, logical == 0));
    auto const tail_at = node.entries_at + node.capacity * entry_size;
    auto const tail = load<layout::HashIndexTail>(block, tail_at);
    if (!tail)
        return fail(Error::corrupt);
    auto sum = checksum::crc32c_update(directory.checksum_seed, block.first(node.entries_at + node.count * entry_size));
    sum = checksum::crc32c_update(sum, block.subspan(tail_at, offsetof(layout::HashIndexTail, checksum)));
    sum = checksum::crc32c_update(sum, zeroed);
    return sum == tail->checksum ? ok() : Result<>(fail(Error::corrupt));
}

Result<> verify_leaf_checksum(Inode const& directory, Bytes block) {
    auto const covered = block.size() - sizeof(layout::DirectoryTail);
    auto const tail = TRY(load<layout::DirectoryTail>(block, covered));
    if (tail.zero1 != 0 || tail.length != sizeof(tail) || tail.zero2 != 0 || tail.type != layout::directory_tail_type ||
        checksum::crc32c_update(directory.checksum_seed, block.first(covered)) != tail.checksum)
        return fail(Error::corrupt);
    return {};
}

// Where a search stands on one level of the index. Only positions are kept between blocks, never the blocks.
struct Level {
    std::uint32_t block = 0;  // logical
    std::uint16_t position = 0;
    std::uint16_t count = 0;
};

// A search through the index: the way from the root to the entry that leads to the current leaf.
class IndexSearch {
public:
    IndexSearch(Metadata& metadata, Inode const& directory) : metadata_(metadata), directory_(directory) {}

    // Reads the root and goes down to the first leaf that may hold `name`.
    // returns   false when the hash function is unknown
    async::Task<Result<bool>> start(std::string_view name) {
        {
            auto const root = CO_TRY(co_await read_block(0));
            auto const hash = CO_TRY(read_root(root.bytes(), name));
            if (!hash)
                co_return false;
            hash_ = *hash;
            CO_TRY(enter(root.bytes(), 0, 0, hash_));
        }
        CO_TRY(co_await descend(1, hash_));
        co_return true;
    }

    [[nodiscard]] std::uint32_t leaf() const { return leaf_; }

    // Goes on to the next leaf if names with the same hash may continue there.
    // returns   whether they may
    async::Task<Result<bool>> advance() {
        auto level = depth_;
        while (level > 0 && levels_[level - 1].position + 1 >= levels_[level - 1].count)
            --level;
        if (level == 0)
            co_return false;
        auto& way = levels_[level - 1];
        ++way.position;
        {
            auto const block = CO_TRY(co_await read_block(way.block));
            auto const node = CO_TRY(parse_index_node(block.bytes(), level == 1));
            if (way.position >= node.count)
                co_return fail(Error::corrupt);
            if (node.hash(way.position) != (hash_ | collision_bit))
                co_return false;
            leaf_ = node.block(way.position);
        }
        CO_TRY(co_await descend(level, 0));
        co_return true;
    }

private:
    async::Task<Result<CachedBlock>> read_block(std::uint32_t logical) {
        if (logical >= directory_.size >> metadata_.superblock.block_bits)
            co_return fail(Error::corrupt);
        auto block = CO_TRY(co_await read_file_block(metadata_, directory_, logical));
        CO_TRY(verify_directory_block(metadata_.superblock, directory_, logical, block));
        co_return std::move(block);
    }

    // Learns the index's depth and hashes `name` the way its root says; nothing if that way is unknown.
    Result<std::optional<std::uint32_t>> read_root(Bytes root, std::string_view name) {
        auto const dot = TRY(load<layout::DirectoryEntry>(root, 0));
        auto const info = TRY(load<layout::HashIndexRoot>(root, root_info_at));
        auto const& superblock = metadata_.superblock;
        bool const is_large = superblock.has_incompatible(layout::incompatible::large_directories);
        auto const limit = is_large ? level_limit + 1 : level_limit;
        if (dot.length != dot_length || info.zero != 0 || info.length != sizeof(info) || info.levels >= limit)
            return fail(Error::corrupt);
        depth_ = info.levels + std::size_t{1};
        return hash_name(name, info.hash_version, superblock.hash_seed, superblock.uses_unsigned_hash);
    }

    // Notes where on `level` the search for `hash` passes; `leaf_` becomes the block below.
    Result<> enter(Bytes block, std::size_t level, std::uint32_t logical, std::uint32_t hash) {
        auto const node = TRY(parse_index_node(block, level == 0));
        auto const position = node.find(hash);
        levels_[level] = {.block = logical, .position = static_cast<std::uint16_t>(position), .count = node.count};
        leaf_ = node.block(position);
        return {};
    }

    // From `leaf_`, an index block of `level`, down to a leaf. The levels are counted, so a loop in the index ends.
    async::Task<Result<>> descend(std::size_t level, std::uint32_t hash) {
        for (; level < depth_; ++level) {
            auto const logical = leaf_;
            auto const block = CO_TRY(co_await read_block(logical));
            if (!is_index_block(directory_, logical, block.bytes()) || logical == 0)
                co_return fail(Error::corrupt);
            CO_TRY(enter(block.bytes(), level, logical, hash));
        }
        co_return ok();
    }

    Metadata& metadata_;
    Inode const& directory_;
    std::uint32_t hash_ = 0;
    std::uint32_t leaf_ = 0;
    std::size_t depth_ = 0;  // levels of the index, the root included
    std::array<Level, level_limit + 2> levels_{};
};

}  // namespace

Result<> verify_directory_block(Superblock const& superblock, Inode const& directory, std::uint64_t logical,
                                CachedBlock& block) {
    if (!superblock.has_metadata_checksums)
        return {};
    bool const is_index = is_index_block(directory, logical, block.bytes());
    auto const tag = (is_index ? index_tag : leaf_tag) | directory.checksum_seed;
    if (block.is_verified_as(tag))
        return {};
    if (is_index)
        TRY(verify_index_checksum(directory, logical, block.bytes()));
    else
        TRY(verify_leaf_checksum(directory, block.bytes()));
    block.set_verified_as(tag);
    return {};
}

async::Task<Result<std::optional<InodeNumber>>> find_by_hash(Metadata& metadata, Inode const& directory,
                                                             std::string_view name) {
    auto const& superblock = metadata.superblock;
    // These two are stored beside the index, not under it.
    if (name == "." || name == "..") {
        auto root = CO_TRY(co_await read_file_block(metadata, directory, 0));
        CO_TRY(verify_directory_block(superblock, directory, 0, root));
        auto const found = CO_TRY(find_in_region(superblock, root.bytes(), name));
        if (!found)
            co_return fail(Error::not_found);
        co_return found;
    }

    IndexSearch search(metadata, directory);
    bool const is_known = CO_TRY(co_await search.start(name));
    if (!is_known)
        co_return std::nullopt;
    // Each turn is another leaf; there cannot be more of them than the directory has blocks.
    auto const block_count = directory.size >> superblock.block_bits;
    for (std::uint64_t leaves = 0; leaves < block_count; ++leaves) {
        if (search.leaf() >= block_count)
            co_return fail(Error::corrupt);
        {
            auto leaf = CO_TRY(co_await read_file_block(metadata, directory, search.leaf()));
            CO_TRY(verify_directory_block(superblock, directory, search.leaf(), leaf));
            auto const found = CO_TRY(find_in_region(superblock, leaf.bytes(), name));
            if (found)
                co_return found;
        }
        bool const goes_on = CO_TRY(co_await search.advance());
        if (!goes_on)
            co_return fail(Error::not_found);
    }
    co_return fail(Error::corrupt);
}

}  // namespace astrata::ext4
