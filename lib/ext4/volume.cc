#include "lib/ext4/volume.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "lib/ext4/group.h"
#include "lib/ext4/inline_data.h"
#include "lib/ext4/journal.h"

namespace astrata::ext4 {
namespace {

constexpr std::uint32_t source_block_minimum = 512;
constexpr std::uint32_t source_block_limit = 65536;
constexpr std::size_t superblock_end = layout::superblock_offset + sizeof(layout::Superblock);
constexpr std::uint64_t link_limit = 4096;  // bytes in a symbolic link's target
constexpr std::uint64_t sector_size = 512;

// At least one block, and no more memory for larger blocks than for ordinary ones, as long as some remain.
std::size_t cache_capacity(std::size_t wanted, std::uint32_t block_size) {
    constexpr std::size_t ordinary_block_size = 4096, few_blocks = 8;
    auto const scaled = wanted * ordinary_block_size / std::max<std::size_t>(block_size, ordinary_block_size);
    return std::max(std::size_t{1}, std::max(scaled, std::min(wanted, few_blocks)));
}

// Short targets of symbolic links are stored in place of the block map. The only sure sign is that the link has no data
// block; its attributes may have one.
bool is_fast_link(Superblock const& superblock, Inode const& link) {
    auto const attribute_sectors = link.attribute_block != 0 ? superblock.block_size / sector_size : 0;
    return !link.has_inline_data() && link.sectors <= attribute_sectors;
}

}  // namespace

async::Task<Result<std::unique_ptr<Volume>>> Volume::mount(BlockSource& source, MountOptions options) {
    auto const unit = source.block_size();
    if (!std::has_single_bit(unit) || unit < source_block_minimum || unit > source_block_limit)
        co_return fail(Error::invalid_argument);
    // A volume too small for a superblock is not one of ours.
    auto const units = (superblock_end + unit - 1) / unit;
    if (source.block_count() < units)
        co_return fail(Error::corrupt);
    auto const volume_bytes =
        source.block_count() > ~std::uint64_t{0} / unit ? ~std::uint64_t{0} : source.block_count() * unit;

    auto start = CO_TRY(HeapArray<std::byte>::create(units * unit));
    CO_TRY(co_await source.read(0, units, start.span()));
    auto const stored = Bytes(start.span()).subspan(layout::superblock_offset, sizeof(layout::Superblock));
    auto const superblock = CO_TRY(Superblock::parse(stored, volume_bytes, options.checksums));
    if (unit > superblock.block_size)
        co_return fail(Error::not_supported);

    auto const cached_blocks = cache_capacity(options.cached_blocks, superblock.block_size);
    auto cache = CO_TRY(BlockCache::create(source, superblock.block_size, cached_blocks));
    std::unique_ptr<Volume> volume(new (std::nothrow) Volume(superblock, std::move(cache)));
    if (volume == nullptr)
        co_return fail(Error::no_memory);
    if (superblock.has_incompatible(layout::incompatible::recover))
        CO_TRY(co_await volume->recover(options.checksums, volume_bytes));

    auto const root = CO_TRY(co_await volume->read_inode(root_inode));
    if (!root.is_directory())
        co_return fail(Error::corrupt);
    co_return std::move(volume);
}

async::Task<Result<>> Volume::recover(Checksums checksums, std::uint64_t volume_bytes) {
    auto& cache = metadata_.cache();
    cache.set_remap(CO_TRY(co_await replay_journal(metadata_)));
    // The superblock is a logged block like any other.
    auto const block_size = metadata_.superblock.block_size;
    auto const block = CO_TRY(co_await metadata_.block(layout::superblock_offset / block_size));
    auto const stored = block.bytes().subspan(layout::superblock_offset % block_size, sizeof(layout::Superblock));
    auto const replayed = CO_TRY(Superblock::parse(stored, volume_bytes, checksums));
    if (replayed.block_size != block_size)
        co_return fail(Error::corrupt);
    metadata_.superblock = replayed;
    co_return ok();
}

async::Task<Result<Mapping>> Volume::map_blocks(Inode const& inode, std::uint64_t first, std::uint64_t limit) {
    if (inode.has_inline_data())
        co_return Mapping{.kind = Mapping::Kind::inline_data, .count = limit};
    auto const mapping = CO_TRY(co_await ext4::map_blocks(metadata_, inode, first, limit));
    co_return apply_remap(metadata_.cache().remap(), mapping);
}

async::Task<Result<std::size_t>> Volume::read(Inode const& inode, std::uint64_t offset, MutableBytes into) {
    if (inode.is_directory())
        co_return fail(Error::is_a_directory);
    if (inode.type != FileType::regular)
        co_return fail(Error::invalid_argument);
    auto const left = offset < inode.size ? inode.size - offset : 0;
    auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size()));
    if (inode.has_inline_data() && wanted != 0) {
        auto const data = CO_TRY(co_await InlineData::read(metadata_, inode));
        data.copy(inode.size, offset, into);
        co_return wanted;
    }
    for (std::size_t done = 0; done < wanted;)
        done += CO_TRY(co_await read_step(inode, offset + done, into.subspan(done)));
    std::ranges::fill(into.subspan(wanted), std::byte{0});
    co_return wanted;
}

// Reads as much as lies in one run, or within one block where `into` does not begin or end with one.
// returns   bytes of `into` that were filled, at least 1
async::Task<Result<std::size_t>> Volume::read_step(Inode const& inode, std::uint64_t offset, MutableBytes into) {
    auto const block_bits = metadata_.superblock.block_bits;
    std::size_t const block_size = metadata_.superblock.block_size;
    auto const skipped = static_cast<std::size_t>(offset & (block_size - 1));
    auto const covered = (skipped + into.size() + block_size - 1) >> block_bits;
    // Without the remap: the cache applies it itself.
    auto const run = CO_TRY(co_await ext4::map_blocks(metadata_, inode, offset >> block_bits, covered));
    auto const run_bytes = (static_cast<std::size_t>(run.count) << block_bits) - skipped;
    if (run.kind != Mapping::Kind::mapped) {
        auto const zeroed = into.first(std::min(into.size(), run_bytes));
        std::ranges::fill(zeroed, std::byte{0});
        co_return zeroed.size();
    }
    if (skipped != 0 || into.size() < block_size) {
        auto const block = CO_TRY(co_await metadata_.block(run.physical));
        auto const available = block.bytes().subspan(skipped);
        auto const count = std::min(available.size(), into.size());
        std::ranges::copy(available.first(count), into.begin());
        co_return count;
    }
    auto const whole = std::min<std::uint64_t>(run.count, into.size() >> block_bits);
    auto const place =
        apply_remap(metadata_.cache().remap(), {.kind = run.kind, .physical = run.physical, .count = whole});
    auto const target = into.first(static_cast<std::size_t>(place.count) << block_bits);
    CO_TRY(co_await metadata_.cache().read_directly(place.physical, place.count, target));
    if (place.is_escaped)
        unescape(target);
    co_return target.size();
}

async::Task<Result<std::size_t>> Volume::read_link(Inode const& inode, MutableBytes into) {
    if (inode.type != FileType::symbolic_link)
        co_return fail(Error::invalid_argument);
    if (inode.size == 0 || inode.size > link_limit)
        co_return fail(Error::corrupt);
    if (into.size() < inode.size)
        co_return fail(Error::out_of_range);
    auto const target = into.first(inode.size);
    if (inode.has_inline_data()) {
        auto const data = CO_TRY(co_await InlineData::read(metadata_, inode));
        data.copy(inode.size, 0, target);
    } else if (is_fast_link(metadata_.superblock, inode)) {
        if (target.size() > inode.block_area.size())
            co_return fail(Error::corrupt);
        std::ranges::copy(Bytes(inode.block_area).first(target.size()), target.begin());
    } else {
        for (std::size_t done = 0; done < target.size();)
            done += CO_TRY(co_await read_step(inode, done, target.subspan(done)));
    }
    // A zero byte cannot be part of a path.
    if (std::ranges::find(target, std::byte{0}) != target.end())
        co_return fail(Error::corrupt);
    co_return target.size();
}

async::Task<Result<Statistics>> Volume::statistics() {
    if (statistics_)
        co_return *statistics_;
    auto const& superblock = metadata_.superblock;
    auto const overhead = superblock.overhead_blocks != 0 ? superblock.overhead_blocks : superblock.compute_overhead();
    Statistics sums{.block_size = superblock.block_size,
                    .blocks = superblock.block_count - overhead,
                    .inodes = superblock.inode_count};
    // The superblock's own totals are only brought up to date at unmount.
    for (std::uint32_t index = 0; index < superblock.group_count; ++index) {
        auto const group = CO_TRY(co_await read_group(metadata_, index));
        sums.free_blocks += std::uint64_t{group.free_clusters} << superblock.cluster_bits;
        sums.free_inodes += group.free_inodes;
    }
    if (sums.free_blocks > superblock.block_count || sums.free_inodes > sums.inodes)
        co_return fail(Error::corrupt);
    sums.available_blocks =
        sums.free_blocks > superblock.reserved_block_count ? sums.free_blocks - superblock.reserved_block_count : 0;
    statistics_ = sums;
    co_return sums;
}

}  // namespace astrata::ext4
