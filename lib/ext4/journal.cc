#include "lib/ext4/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "lib/checksum/crc32c.h"
#include "lib/containers/vector.h"
#include "lib/ext4/inode.h"
#include "lib/ext4/journal_layout.h"
#include "lib/ext4/mapping.h"

namespace astrata::ext4 {
namespace {

namespace stored = journal_layout;

constexpr std::uint32_t known_features = stored::has_revokes | stored::has_64_bit | stored::has_asynchronous_commit |
                                         stored::has_checksum_v2 | stored::has_checksum_v3;
// More logged blocks or revocations than this in one log are refused as no_memory; Linux' largest journal has as many
// blocks of 4 KiB.
constexpr std::size_t record_limit = std::size_t{1} << 20;

// A logged copy of a block.
struct LoggedBlock {
    BlockNumber block = 0;
    BlockNumber location = 0;
    std::uint32_t sequence = 0;  // of its transaction
    std::uint32_t checksum = 0;
    bool is_escaped = false;
};

// Copies of `block` in transactions up to `sequence` no longer count.
struct Revocation {
    BlockNumber block = 0;
    std::uint32_t sequence = 0;
};

// Sequence numbers wrap around.
bool is_after(std::uint32_t left, std::uint32_t right) {
    return static_cast<std::int32_t>(left - right) > 0;
}

// Drops all elements from the `count`th on.
template <typename T>
void truncate(Vector<T>& vector, std::size_t count) {
    while (vector.size() > count)
        vector.pop_back();
}

class Replay {
public:
    Replay(Metadata& metadata, Inode const& journal) : metadata_(metadata), journal_(journal) {}

    async::Task<Result<BlockRemap>> run() {
        CO_TRY(co_await read_superblock());
        if (start_ == 0)
            co_return BlockRemap();
        CO_TRY(co_await scan());
        sort_revocations();
        select_newest();
        CO_TRY(co_await verify_copies());
        co_return finish();
    }

private:
    // Of the log: the number of a block is its place in the journal's file.
    using LogBlock = std::uint32_t;

    async::Task<Result<>> read_superblock() {
        auto const block = CO_TRY(co_await read_file_block(metadata_, journal_, 0));
        co_return parse_superblock(block.bytes());
    }

    Result<> parse_superblock(Bytes block) {
        auto const super = TRY(load<stored::Superblock>(block, 0));
        auto const& superblock = metadata_.superblock;
        if (super.header.magic != stored::magic || super.block_size != superblock.block_size)
            return fail(Error::corrupt);
        bool const has_features = super.header.type == stored::superblock_v2;
        if (!has_features && super.header.type != stored::superblock_v1)
            return fail(Error::corrupt);
        features_ = has_features ? std::uint32_t{super.incompatible_features} : 0;
        if ((features_ & ~known_features) != 0)
            return fail(Error::not_supported);
        if (has_checksums()) {
            if (super.checksum_type != stored::checksum_type_crc32c)
                return fail(Error::not_supported);
            auto const bytes = block.first(sizeof(super));
            if (superblock.has_metadata_checksums &&
                sum_without(checksum::crc32c_start, bytes, offsetof(stored::Superblock, checksum)) != super.checksum)
                return fail(Error::corrupt);
        }
        checksum_seed_ = checksum::crc32c_update(checksum::crc32c_start, super.uuid);
        first_ = super.first_block;
        end_ = super.block_count;
        start_ = super.start;
        sequence_ = super.first_sequence;
        auto const file_blocks = journal_.size >> superblock.block_bits;
        if (first_ == 0 || first_ >= end_ || end_ > file_blocks || (start_ != 0 && (start_ < first_ || start_ >= end_)))
            return fail(Error::corrupt);
        return {};
    }

    // Walks the log from its start and notes what the committed transactions hold.
    async::Task<Result<>> scan() {
        auto place = start_;
        std::size_t logged_committed = 0, revoked_committed = 0;
        // The log is a ring; having been round it once means that it has no proper end.
        std::uint64_t passed = 0;
        while (passed < end_ - first_) {
            std::uint64_t used = 1;
            {
                auto const block = CO_TRY(co_await read_file_block(metadata_, journal_, place));
                auto const header = CO_TRY(load<stored::Header>(block.bytes(), 0));
                // What comes next is left over from an earlier round, or was never written: the log ends here.
                if (header.magic != stored::magic || header.sequence != sequence_ ||
                    !is_intact(block.bytes(), header.type))
                    break;
                if (header.type == stored::commit) {
                    logged_committed = logged_.size();
                    revoked_committed = revoked_.size();
                    ++sequence_;
                } else if (header.type == stored::revoke) {
                    CO_TRY(note_revocations(block.bytes()));
                } else if (header.type == stored::descriptor) {
                    used += CO_TRY(note_logged_blocks(block.bytes(), place));
                } else {
                    break;
                }
            }
            CO_TRY(co_await locate_new_blocks());
            passed += used;
            place = advance(place, used);
        }
        truncate(logged_, logged_committed);
        truncate(revoked_, revoked_committed);
        co_return ok();
    }

    // Whether the checksum that a block of the log itself carries is right, if it has one.
    [[nodiscard]] bool is_intact(Bytes block, std::uint32_t type) const {
        if (!has_checksums() || !metadata_.superblock.has_metadata_checksums)
            return true;
        auto const at = type == stored::commit ? offsetof(stored::CommitHeader, checksum) : block.size() - sizeof(be32);
        auto const expected = load<be32>(block, at);
        return expected && sum_without(checksum_seed_, block, at) == *expected;
    }

    // The checksum of `block` with the four bytes at `at` taken as zero.
    static std::uint32_t sum_without(std::uint32_t seed, Bytes block, std::size_t at) {
        constexpr std::array<std::byte, sizeof(be32)> zeroed{};
        auto sum = checksum::crc32c_update(seed, block.first(at));
        sum = checksum::crc32c_update(sum, zeroed);
        return checksum::crc32c_update(sum, block.subspan(at + zeroed.size()));
    }

    Result<> note_revocations(Bytes block) {
        auto const header = TRY(load<stored::RevokeHeader>(block, 0));
        if (header.used < sizeof(header) || header.used > block.size())
            return fail(Error::corrupt);
        ByteReader reader(block.first(header.used).subspan(sizeof(header)));
        bool const is_wide = (features_ & stored::has_64_bit) != 0;
        while (reader.remaining() >= (is_wide ? sizeof(be64) : sizeof(be32))) {
            BlockNumber const number = is_wide ? std::uint64_t {
                TRY(reader.read<be64>())
            } : std::uint32_t{
                TRY(reader.read<be32>())
            };
            if (revoked_.size() >= record_limit)
                return fail(Error::no_memory);
            TRY(revoked_.push_back({.block = number, .sequence = sequence_}));
        }
        return {};
    }

    // Notes the blocks that a descriptor announces; they follow it in the log.
    // returns   how many there are
    Result<std::uint32_t> note_logged_blocks(Bytes block, LogBlock descriptor) {
        auto const tail = has_checksums() ? sizeof(be32) : 0;
        ByteReader reader(block.first(block.size() - tail).subspan(sizeof(stored::Header)));
        std::uint32_t count = 0;
        for (;;) {
            auto const tag = read_tag(reader);
            if (!tag)
                return count;  // a full block has no last tag
            ++count;
            if (logged_.size() >= record_limit)
                return fail(Error::no_memory);
            // For now the location is the place in the journal's file; see locate_new_blocks.
            TRY(logged_.push_back({.block = tag->block,
                                   .location = advance(descriptor, count),
                                   .sequence = sequence_,
                                   .checksum = tag->checksum,
                                   .is_escaped = (tag->flags & stored::tag_escaped) != 0}));
            if ((tag->flags & stored::tag_last) != 0)
                return count;
        }
    }

    struct DecodedTag {
        BlockNumber block;
        std::uint32_t flags;
        std::uint32_t checksum;
    };
    [[nodiscard]] Result<DecodedTag> read_tag(ByteReader& reader) const {
        DecodedTag decoded{};
        bool const is_wide = (features_ & stored::has_64_bit) != 0;
        if ((features_ & stored::has_checksum_v3) != 0) {
            auto const tag = TRY(reader.read<stored::TagV3>());
            decoded = {.block = tag.block_low, .flags = tag.flags, .checksum = tag.checksum};
            if (is_wide)
                decoded.block |= BlockNumber{tag.block_high} << 32;
        } else {
            auto const tag = TRY(reader.read<stored::Tag>());
            decoded = {.block = tag.block_low, .flags = tag.flags, .checksum = tag.checksum};
            if (is_wide)
                decoded.block |= BlockNumber {
                    TRY(reader.read<be32>())
                }
            << 32;
            if ((features_ & stored::has_checksum_v2) != 0)
                TRY(reader.take(2));
        }
        if ((decoded.flags & stored::tag_same_uuid) == 0)
            TRY(reader.take(stored::tag_uuid_size));
        return decoded;
    }

    // Turns the places that the last descriptor's blocks have in the journal's file into places on the volume.
    async::Task<Result<>> locate_new_blocks() {
        while (located_ < logged_.size()) {
            auto const place = logged_.span()[located_].location;
            auto const run = CO_TRY(co_await map_blocks(metadata_, journal_, place, end_ - place));
            if (run.kind != Mapping::Kind::mapped)
                co_return fail(Error::corrupt);
            for (; located_ < logged_.size(); ++located_) {
                auto& entry = logged_.span()[located_];
                if (entry.location < place || entry.location - place >= run.count)
                    break;
                entry.location = run.physical + (entry.location - place);
            }
        }
        co_return ok();
    }

    void sort_revocations() {
        // The latest one of each block comes first, which is the one that counts.
        std::ranges::sort(revoked_.span(), [](Revocation const& left, Revocation const& right) {
            return left.block != right.block ? left.block < right.block : is_after(left.sequence, right.sequence);
        });
    }

    [[nodiscard]] bool is_revoked(LoggedBlock const& entry) const {
        auto const all = revoked_.span();
        auto const found = std::ranges::lower_bound(all, entry.block, {}, &Revocation::block);
        return found != all.end() && found->block == entry.block && !is_after(entry.sequence, found->sequence);
    }

    // Leaves the newest copy of each block, in the order of their numbers.
    void select_newest() {
        auto const all = logged_.span();
        auto const kept = std::ranges::remove_if(all, [this](LoggedBlock const& entry) { return is_revoked(entry); });
        truncate(logged_, all.size() - kept.size());
        // Later transactions first; a block is logged once in each.
        std::ranges::sort(logged_.span(), [](LoggedBlock const& left, LoggedBlock const& right) {
            return left.block != right.block ? left.block < right.block : is_after(left.sequence, right.sequence);
        });
        auto const repeated = std::ranges::unique(logged_.span(), {}, &LoggedBlock::block);
        truncate(logged_, logged_.size() - repeated.size());
    }

    async::Task<Result<>> verify_copies() {
        auto const& superblock = metadata_.superblock;
        for (auto const& entry : logged_.span()) {
            // Block 0 is a legitimate target where it holds the superblock.
            if (entry.block >= superblock.block_count)
                co_return fail(Error::corrupt);
            if (!has_checksums() || !superblock.has_metadata_checksums)
                continue;
            auto const block = CO_TRY(co_await metadata_.block(entry.location));
            be32 const sequence = entry.sequence;
            auto sum = checksum::crc32c_update(checksum_seed_, std::as_bytes(std::span(&sequence, 1)));
            sum = checksum::crc32c_update(sum, block.bytes());
            if ((features_ & stored::has_checksum_v3) == 0)
                sum &= 0xffff;
            if (sum != entry.checksum)
                co_return fail(Error::corrupt);
        }
        co_return ok();
    }

    Result<BlockRemap> finish() {
        Vector<RemappedBlock> blocks;
        for (auto const& entry : logged_.span())
            TRY(blocks.push_back({.block = entry.block, .location = entry.location, .is_escaped = entry.is_escaped}));
        return BlockRemap(std::move(blocks));
    }

    [[nodiscard]] bool has_checksums() const {
        return (features_ & (stored::has_checksum_v2 | stored::has_checksum_v3)) != 0;
    }
    // `distance` blocks further on in the ring.
    [[nodiscard]] LogBlock advance(LogBlock place, std::uint64_t distance) const {
        auto const length = end_ - first_;
        return static_cast<LogBlock>(first_ + (place - first_ + distance) % length);
    }

    Metadata & metadata_;
    Inode const& journal_;
    std::uint32_t features_ = 0;
    std::uint32_t checksum_seed_ = 0;
    LogBlock first_ = 0;
    LogBlock end_ = 0;
    LogBlock start_ = 0;
    std::uint32_t sequence_ = 0;  // of the transaction being scanned
    Vector<LoggedBlock> logged_;
    Vector<Revocation> revoked_;
    std::size_t located_ = 0;  // so many of logged_ have their place on the volume
};

}  // namespace

async::Task<Result<BlockRemap>> replay_journal(Metadata& metadata) {
    auto const& superblock = metadata.superblock;
    if (superblock.journal_inode == 0)
        co_return fail(superblock.journal_device != 0 ? Error::not_supported : Error::corrupt);
    auto const journal = CO_TRY(co_await read_inode(metadata, superblock.journal_inode));
    if (journal.type != FileType::regular || journal.has_inline_data())
        co_return fail(Error::corrupt);
    Replay replay(metadata, journal);
    co_return co_await replay.run();
}

}  // namespace astrata::ext4
