#include "strates/fs/ext4/page_cache.h"

#include <algorithm>
#include <utility>

#include "sdk/heap.h"

namespace astrata::ext4_strate {
namespace {

// Of the silo's memory limit the cache leaves this to everything else: program, heap, metadata, page tables.
constexpr std::uint64_t other_memory = 4 << 20;
constexpr std::uint64_t default_limit = 32 << 20;  // bytes of cache, for a silo without a limit
constexpr std::uint64_t least_limit = 1 << 20;
constexpr std::uint64_t page_limit_ceiling = std::uint64_t{1} << 40;  // pages; more than any machine has

}  // namespace

async::Task<Result<PageCache::Use>> PageCache::find(ext4::Volume& volume, ext4::InodeNumber number) {
    auto* present = files_.find(std::uint64_t{number});
    if (present == nullptr) {
        auto const inode = CO_TRY(co_await volume.read_inode(number));
        if (inode.is_directory())
            co_return fail(Error::is_a_directory);
        if (inode.type != ext4::FileType::regular)
            co_return fail(Error::invalid_argument);
        // Another task may have been faster.
        present = files_.find(std::uint64_t{number});
        if (present == nullptr)
            co_return Use(*CO_TRY(insert(inode)));
    }
    auto& file = **present;
    by_age_.remove(file);
    by_age_.push_back(file);
    co_return Use(file);
}

Result<CachedFile*> PageCache::insert(ext4::Inode const& inode) {
    if (files_.size() >= file_limit)
        forget_oldest();
    auto file = TRY(sdk::make<CachedFile>());
    file->inode = inode;
    auto* const inserted = file.get();
    TRY(files_.insert(std::uint64_t{inode.number}, std::move(file)));
    by_age_.push_back(*inserted);
    return inserted;
}

// Whoever holds the contents keeps them; their pages are just no longer ours to count.
void PageCache::forget_oldest() {
    for (auto& file : by_age_) {
        if (file.users != 0 || file.is_busy)
            continue;
        resident_pages_ -= file.resident_pages;
        by_age_.remove(file);
        files_.remove(std::uint64_t{file.inode.number});
        return;
    }
}

Result<sdk::UniqueHandle> PageCache::open(CachedFile& file) {
    if (file.contents.get() == 0) {
        auto const handle = TRY(sys::memory_object_create_paged(pager_, file.inode.number, file.inode.size));
        file.contents = sdk::MemoryObject(sdk::UniqueHandle(handle));
    }
    using enum abi::Rights;
    return file.contents.handle().duplicate(read | map | execute | inspect | duplicate | transfer);
}

std::uint64_t PageCache::page_limit() const {
    auto const silo = sys::silo_info(silo_);
    auto limit = default_limit;
    if (silo && silo->memory_limit != 0)
        limit = silo->memory_limit > other_memory + least_limit ? silo->memory_limit - other_memory : least_limit;
    return std::min(limit / page_size, learned_limit_);
}

void PageCache::make_room(CachedFile& file, PageRun run, abi::Handle reply) {
    auto const is_full = [&] { return resident_pages_ + run.count > known_limit_; };
    if (!is_full())
        return;
    known_limit_ = page_limit();
    for (auto& oldest : by_age_) {
        if (!is_full())
            return;
        if (oldest.resident_pages != 0 && &oldest != &file)
            discard(oldest);
    }
    if (is_full())
        discard_all_but(file, run, reply);  // one file larger than the cache
}

void PageCache::free_all_but(CachedFile& file, PageRun run, abi::Handle reply) {
    learned_limit_ = std::max(least_limit / page_size, resident_pages_ / 2);
    known_limit_ = std::min(known_limit_, learned_limit_);
    supplied_since_change_ = 0;
    for (auto& other : by_age_) {
        if (&other != &file)
            discard(other);
    }
    discard_all_but(file, run, reply);
}

void PageCache::note_supplied(CachedFile& file, PageRun run) {
    file.supplied = run;
    file.resident_pages += run.count;
    resident_pages_ += run.count;
    supplied_since_change_ += run.count;
    if (learned_limit_ < page_limit_ceiling && supplied_since_change_ > 4 * learned_limit_) {
        learned_limit_ += learned_limit_ / 8;
        supplied_since_change_ = 0;
    }
}

bool PageCache::drop_ready_pages() {
    for (auto& file : by_age_) {
        if (file.ready && !file.is_busy) {
            file.ready.reset();
            return true;
        }
    }
    return false;
}

void PageCache::discard(CachedFile& file) {
    if (file.contents.get() != 0)
        (void)sys::memory_object_discard(file.contents.get(), 0, align_up(file.inode.size, page_size));
    count_discarded(file);
}

void PageCache::discard_all_but(CachedFile& file, PageRun run, abi::Handle reply) {
    auto const start = run.first * page_size;
    auto const end = run.end() * page_size;
    auto const size = align_up(file.inode.size, page_size);
    if (start != 0)
        (void)sys::pager_discard(reply, 0, start);
    if (end < size)
        (void)sys::pager_discard(reply, end, size - end);
    count_discarded(file);
}

void PageCache::count_discarded(CachedFile& file) {
    file.supplied = {};
    resident_pages_ -= std::exchange(file.resident_pages, 0);
}

}  // namespace astrata::ext4_strate
