#include "lib/ext4/block_cache.h"

#include <bit>
#include <new>
#include <utility>

namespace astrata::ext4 {

Result<std::unique_ptr<BlockCache>> BlockCache::create(BlockSource& source, std::uint32_t block_size,
                                                       std::size_t capacity) {
    std::unique_ptr<BlockCache> cache(new (std::nothrow) BlockCache(source, block_size));
    if (cache == nullptr)
        return fail(Error::no_memory);
    cache->slots_ = TRY(HeapArray<Slot>::create(capacity));
    cache->chains_ = TRY(HeapArray<HashChain>::create(std::bit_ceil(capacity)));
    for (auto& slot : cache->slots_.span())
        cache->idle_.push_back(slot);
    return cache;
}

BlockCache::HashChain& BlockCache::chain_of(BlockNumber block) {
    // Neighbouring blocks are used together: the low bits spread them best.
    return chains_.span()[block & (chains_.span().size() - 1)];
}

BlockCache::Slot* BlockCache::find(BlockNumber block) {
    for (auto& slot : chain_of(block)) {
        if (slot.block == block)
            return &slot;
    }
    return nullptr;
}

void BlockCache::acquire(Slot& slot) {
    if (slot.references++ == 0)
        idle_.remove(slot);
}

void BlockCache::release(Slot& slot) {
    if (--slot.references != 0)
        return;
    if (slot.state == Slot::State::valid)
        idle_.push_back(slot);
    else
        idle_.push_front(slot);  // holds nothing worth keeping
    slot_freed_.wake_all();
}

// Drops the slot's block; the slot stays wherever else it is.
void BlockCache::forget(Slot& slot) {
    if (HashChain::is_linked(slot))
        chain_of(slot.block).remove(slot);
    slot.verified_as = 0;
}

// The least recently used idle slot, with a buffer and without a block; null if there is none.
BlockCache::Slot* BlockCache::take_idle_slot() {
    for (auto& slot : idle_) {
        if (slot.buffer.is_empty()) {
            auto buffer = HeapArray<std::byte>::create(block_size_);
            // Short of memory we make do with the slots that have a buffer.
            if (!buffer)
                continue;
            slot.buffer = std::move(*buffer);
        }
        forget(slot);
        slot.state = Slot::State::empty;
        return &slot;
    }
    return nullptr;
}

void BlockCache::set_remap(BlockRemap remap) {
    remap_ = std::move(remap);
    for (auto& slot : slots_.span()) {
        forget(slot);
        slot.state = Slot::State::empty;
    }
}

bool BlockCache::Get::await_ready() {
    auto* const slot = cache_.find(block_);
    if (slot != nullptr && slot->state == Slot::State::valid) {
        found_.emplace(CachedBlock(cache_, *slot));
        return true;
    }
    loading_.emplace(cache_.load_block(block_));
    return loading_->is_done();  // without having run: its frame could not be allocated
}

// Tells those who wait for a block how its loading ended, also when the loading task is destroyed half-way.
struct BlockCache::LoadGuard {
    BlockCache& cache;
    CachedBlock& block;
    Result<> outcome = fail(Error::cancelled);

    ~LoadGuard() {
        auto& slot = *block.slot_;
        slot.state = outcome ? Slot::State::valid : Slot::State::failed;
        if (!outcome) {
            slot.error = outcome.error();
            cache.forget(slot);  // whoever asks next tries again
        }
        slot.loaded.wake_all();
    }
};

async::Task<Result<CachedBlock>> BlockCache::load_block(BlockNumber number) {
    for (;;) {
        if (auto* const present = find(number); present != nullptr) {
            CachedBlock block(*this, *present);
            while (present->state == Slot::State::loading)
                co_await present->loaded.wait();
            if (present->state == Slot::State::valid)
                co_return std::move(block);
            // The task that was loading it was given up, which says nothing about the block: take over.
            if (present->error == Error::cancelled)
                continue;
            co_return fail(present->error);
        }
        auto* const slot = take_idle_slot();
        if (slot == nullptr) {
            // All are in use, or the one left has no buffer and there is no memory for it.
            if (!idle_.is_empty())
                co_return fail(Error::no_memory);
            co_await slot_freed_.wait();
            continue;
        }
        slot->block = number;
        slot->state = Slot::State::loading;
        chain_of(number).push_front(*slot);
        CachedBlock block(*this, *slot);
        Result<> outcome;
        {
            LoadGuard guard{.cache = *this, .block = block};
            guard.outcome = co_await fill(number, slot->buffer.span());
            outcome = guard.outcome;
        }
        if (!outcome)
            co_return fail(outcome.error());
        co_return std::move(block);
    }
}

async::Task<Result<>> BlockCache::fill(BlockNumber block, MutableBytes into) {
    auto const* const remapped = remap_.find(block);
    CO_TRY(co_await read_directly(remapped != nullptr ? remapped->location : block, 1, into));
    if (remapped != nullptr && remapped->is_escaped)
        unescape(into);
    co_return ok();
}

async::Task<Result<>> BlockCache::read_directly(BlockNumber first, std::uint64_t count, MutableBytes into) {
    auto const ratio = block_size_ / source_.block_size();
    return source_.read(first * ratio, count * ratio, into);
}

}  // namespace astrata::ext4
