// A bounded cache of metadata blocks, shared by all tasks of a volume.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "lib/async/task.h"
#include "lib/async/wait_queue.h"
#include "lib/base/bytes.h"
#include "lib/base/intrusive_list.h"
#include "lib/ext4/block_remap.h"
#include "lib/ext4/block_source.h"
#include "lib/ext4/heap_array.h"
#include "lib/ext4/types.h"

namespace astrata::ext4 {

/// Keeps the most recently used blocks, each read once however many tasks ask for it at the same time. Its memory grows
/// with use up to `capacity` blocks and no further.
///
/// A task holds at most one CachedBlock while it waits for another, or tasks could wait for each other for ever; the
/// reader's own tasks hold none.
class BlockCache {
    struct Slot {
        enum class State : std::uint8_t { empty, loading, valid, failed };

        BlockNumber block = 0;
        HeapArray<std::byte> buffer;  // allocated when the slot is first used
        std::uint64_t verified_as = 0;
        std::uint32_t references = 0;
        State state = State::empty;
        Error error = Error::io;  // with State::failed
        async::WaitQueue loaded;
        ListLink<Slot> hash_link;
        ListLink<Slot> idle_link;
    };

public:
    class CachedBlock;
    class Get;

    /// capacity  blocks, at least 1
    /// errors    no_memory
    static Result<std::unique_ptr<BlockCache>> create(BlockSource& source, std::uint32_t block_size,
                                                      std::size_t capacity);
    BlockCache(BlockCache const&) = delete;
    BlockCache& operator=(BlockCache const&) = delete;

    /// The block's contents: `auto block = CO_TRY(co_await cache.get(number));`. Costs no allocation when it is cached.
    /// errors    io and others of the source, no_memory
    Get get(BlockNumber block);

    /// From now on remapped blocks are read from where they are. Forgets what is cached; nothing may be in use.
    void set_remap(BlockRemap remap);
    [[nodiscard]] BlockRemap const& remap() const { return remap_; }

    /// Reads whole blocks past the cache, from exactly where the caller says. `into` is `count` blocks long.
    async::Task<Result<>> read_directly(BlockNumber first, std::uint64_t count, MutableBytes into);

    [[nodiscard]] std::uint32_t block_size() const { return block_size_; }

private:
    using HashChain = IntrusiveList<Slot, &Slot::hash_link>;
    using IdleList = IntrusiveList<Slot, &Slot::idle_link>;
    struct LoadGuard;

    BlockCache(BlockSource& source, std::uint32_t block_size) : source_(source), block_size_(block_size) {}

    HashChain& chain_of(BlockNumber block);
    Slot* find(BlockNumber block);
    Slot* take_idle_slot();
    void acquire(Slot& slot);
    void release(Slot& slot);
    void forget(Slot& slot);
    async::Task<Result<CachedBlock>> load_block(BlockNumber block);
    async::Task<Result<>> fill(BlockNumber block, MutableBytes into);

    BlockSource& source_;
    std::uint32_t block_size_;
    BlockRemap remap_;
    HeapArray<Slot> slots_;
    HeapArray<HashChain> chains_;  // slots with a block, by block number
    IdleList idle_;                // slots in nobody's use, least recently used first
    async::WaitQueue slot_freed_;
};

/// A cached block's contents, which stay in place as long as this lives.
class BlockCache::CachedBlock {
public:
    CachedBlock(CachedBlock&& other) noexcept : cache_(other.cache_), slot_(std::exchange(other.slot_, nullptr)) {}
    CachedBlock& operator=(CachedBlock&& other) noexcept {
        std::swap(cache_, other.cache_);
        std::swap(slot_, other.slot_);
        return *this;
    }
    ~CachedBlock() {
        if (slot_ != nullptr)
            cache_->release(*slot_);
    }

    [[nodiscard]] BlockNumber number() const { return slot_->block; }
    [[nodiscard]] Bytes bytes() const { return slot_->buffer.span(); }

    /// What the contents were last found to be a valid instance of, so that a checksum is computed once and not at
    /// every use. The tag is the user's; 0 is none.
    [[nodiscard]] bool is_verified_as(std::uint64_t tag) const { return slot_->verified_as == tag; }
    void set_verified_as(std::uint64_t tag) { slot_->verified_as = tag; }

private:
    friend class BlockCache;
    CachedBlock(BlockCache& cache, Slot& slot) : cache_(&cache), slot_(&slot) { cache.acquire(slot); }

    BlockCache* cache_;
    Slot* slot_;
};

/// Awaits a block: finds it at once if it is cached, else runs the task that loads it.
class [[nodiscard]] BlockCache::Get {
public:
    Get(BlockCache& cache, BlockNumber block) : cache_(cache), block_(block) {}

    bool await_ready();
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
        return async::Task<Result<CachedBlock>>::Awaiter(*loading_).await_suspend(awaiting);
    }
    Result<CachedBlock> await_resume() {
        if (loading_)
            return loading_->take_result();
        return std::move(*found_);
    }

private:
    BlockCache& cache_;
    BlockNumber block_;
    std::optional<CachedBlock> found_;
    std::optional<async::Task<Result<CachedBlock>>> loading_;
};

inline BlockCache::Get BlockCache::get(BlockNumber block) {
    return Get(*this, block);
}

using CachedBlock = BlockCache::CachedBlock;

}  // namespace astrata::ext4
