// Each NUMA node has a buddy system of its own, behind each CPU's cache of single frames.
#include "kernel/mem/frames.h"

#include <algorithm>
#include <bit>

#include "arch/cpu.h"
#include "arch/memory_check.h"
#include "arch/page_copy.h"
#include "kernel/mem/buddy.h"
#include "kernel/mem/tlb.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::mem {

namespace {

// The memory of one node. A block of 2^max_order frames never belongs to two of them, so that what merges is of one
// node.
struct Pool {
    SpinLock<LockRank::frames, PreemptionOff> lock;
    Buddy buddy GUARDED_BY(lock);
    Relaxed<std::uint64_t> free_pages = 0;  // written with the lock held
    std::uint64_t total_pages = 0;
    std::array<std::uint8_t, numa::node_limit> nearest_first{};

    FrameNumber take(unsigned order, bool is_low) REQUIRES(lock) {
        auto const number = buddy.take(order, is_low);
        if (number != no_frame)
            free_pages = free_pages - (std::uint64_t{1} << order);
        return number;
    }
    void give(FrameNumber number, unsigned order) REQUIRES(lock) {
        free_pages = free_pages + (std::uint64_t{1} << order);
        buddy.give(number, order);
    }
    // A run of frames of this node, in the largest aligned blocks.
    void give_run(FrameNumber number, FrameNumber end) REQUIRES(lock) {
        while (number < end) {
            unsigned order = std::min<unsigned>(max_order, static_cast<unsigned>(std::countr_zero(number)));
            while ((FrameNumber{1} << order) > end - number)
                --order;
            give(number, order);
            number += FrameNumber{1} << order;
        }
    }
};

// Pages that a CPU was handed or gave back, by kind; other CPUs read them.
struct PageCounters {
    std::array<std::atomic<std::uint64_t>, frame_kinds> of{};

    void add(FrameKind kind, std::uint64_t pages) {
        auto& counter = of[static_cast<std::size_t>(kind)];
        counter.store(counter.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t sum() const {
        std::uint64_t sum = 0;
        for (auto const& counter : of)
            sum += counter.load(std::memory_order_relaxed);
        return sum;
    }
};

// Single frames for one CPU, used with preemption off and nowhere else. All of them are of one node.
struct CpuCache {
    static constexpr std::size_t capacity = 64;
    static constexpr unsigned batch_order = 4;
    static constexpr std::size_t batch = std::size_t{1} << batch_order;
    std::array<FrameNumber, capacity> frames{};
    Relaxed<std::size_t> count = 0;
    // Frames that hold zeroes: page tables that became empty, and what the idle thread has cleared.
    static constexpr std::size_t zeroed_capacity = 32;
    std::array<FrameNumber, zeroed_capacity> zeroed{};
    Relaxed<std::size_t> zeroed_count = 0;
    // Up to where frames that are freed go in without a look at whose they are: the capacity, and 0 where there are
    // several nodes.
    std::size_t unchecked_count = capacity;
    std::size_t unchecked_zeroed_count = zeroed_capacity;
    Relaxed<std::uint8_t> home = 0;  // the CPU's node
    Relaxed<std::uint8_t> node = 0;  // the frames': another than `home` while that has none
    // Only sums over all CPUs mean something: frames are given back on other CPUs than they were handed out on.
    PageCounters handed_out;
    PageCounters given_back;
    // Which nodes the CPU's pages were of. Those since the frames' node last changed are in `handed_out` alone.
    std::array<Relaxed<std::uint64_t>, numa::node_limit> pages_of_node{};
    Relaxed<std::uint64_t> attributed = 0;  // of `handed_out`: are in `pages_of_node`

    void push(FrameNumber number) {
        frames[count] = number;
        count = count + 1;
    }
    FrameNumber pop() {
        count = count - 1;
        return frames[count];
    }
    void push_zeroed(FrameNumber number) {
        zeroed[zeroed_count] = number;
        zeroed_count = zeroed_count + 1;
    }
    FrameNumber pop_zeroed() {
        zeroed_count = zeroed_count - 1;
        return zeroed[zeroed_count];
    }
    [[nodiscard]] std::uint64_t pages_from(std::uint8_t wanted) const {
        std::uint64_t const before = pages_of_node[wanted];
        return node == wanted ? before + (handed_out.sum() - attributed) : before;
    }
    void change_node(std::uint8_t to) {
        pages_of_node[node] = pages_from(node);
        attributed = handed_out.sum();
        node = to;
    }
};

std::array<Pool, numa::node_limit> pools;
constexpr numa::NodeMap one_node;
numa::NodeMap const* node_map = &one_node;
std::size_t pool_count = 1;
std::array<CpuCache, cpu_limit> caches;
std::uint64_t total_pages = 0;
std::uint64_t managed_pages = 0;

// Frame numbers in units of the largest block, [first, end).
struct NodeBlocks {
    FrameNumber first = 0;
    FrameNumber end = 0;
    std::uint8_t node = 0;
};
std::array<NodeBlocks, numa::NodeMap::part_limit> node_blocks;
std::size_t node_blocks_count = 0;

std::uint8_t node_of(FrameNumber number) {
    auto const block = number >> max_order;
    for (auto const& blocks : std::span(node_blocks).first(node_blocks_count)) {
        if (block < blocks.end)
            return block >= blocks.first ? blocks.node : 0;
    }
    return 0;
}

// What foreign programs and caches leave to the system: a sixty-fourth of memory, at least half a MiB.
std::uint64_t reserve_of(std::uint64_t pages) {
    return std::max<std::uint64_t>(pages / 64, 128);
}

std::uint64_t free_pages() {
    std::uint64_t sum = 0;
    for (auto const& pool : std::span(pools).first(pool_count))
        sum += pool.free_pages;
    return sum;
}

void clear_frames(PhysAddr first, std::uint64_t count) {
    for (; count > 0; --count, first += page_size)
        arch::clear_page(arch::phys_to_virt(first));
}

void mark(FrameNumber number, FrameKind kind) {
    arch::note_memory_used(arch::phys_to_virt({std::uint64_t{number} * page_size}), page_size);
    auto& frame = frame_at(number);
    frame.word.store(0, std::memory_order_relaxed);
    frame.extra = 0;
    frame.account = 0;
    frame.order = 0;
    frame.kind = kind;
}

// The frame's contents are nobody's until it is marked again.
void unmark(FrameNumber number, FrameKind kind) {
    arch::note_memory_free(arch::phys_to_virt({std::uint64_t{number} * page_size}), page_size);
    frame_at(number).kind = kind;
}

void give_zeroed_back(CpuCache& cache) {
    auto& pool = pools[cache.node];
    LockGuard guard(pool.lock);
    while (cache.zeroed_count > 0)
        pool.give(cache.pop_zeroed(), 0);
}

// Fills this CPU's empty cache from one node. False: there is nothing left.
bool refill(CpuCache& cache, std::uint8_t node) {
    auto& pool = pools[node];
    if (pool.free_pages == 0)
        return false;
    if (cache.node != node) [[unlikely]] {
        give_zeroed_back(cache);
        cache.change_node(node);
    }
    LockGuard guard(pool.lock);
    // A whole block at once, if there is one; the last first, so that frames come out in order.
    if (auto const block = pool.take(CpuCache::batch_order, false); block != no_frame) {
        for (FrameNumber index = 0; index < CpuCache::batch; ++index) {
            frame_at(block + index).kind = FrameKind::cached;
            cache.frames[CpuCache::batch - 1 - index] = block + index;
        }
        cache.count = CpuCache::batch;
        return true;
    }
    while (cache.count < CpuCache::batch) {
        auto const number = pool.take(0, false);
        if (number == no_frame)
            break;
        cache.push(number);
    }
    return cache.count > 0;
}

// The same from wherever there is something, near memory first.
bool refill(CpuCache& cache) {
    if (refill(cache, cache.home)) [[likely]]
        return true;
    if (cache.zeroed_count > 0) {
        cache.push(cache.pop_zeroed());
        return true;
    }
    return std::ranges::any_of(std::span(pools[cache.home].nearest_first).first(pool_count),
                               [&cache](std::uint8_t node) { return refill(cache, node); });
}

// Gives the newest frames in the cache back, down to `kept`. Frames are mostly freed in order of addresses, so whole
// runs can be given at once instead of being merged one by one.
void give_back(CpuCache& cache, std::size_t kept) {
    auto& pool = pools[cache.node];
    LockGuard guard(pool.lock);
    while (cache.count > kept) {
        auto const last = cache.pop();
        auto first = last;
        while (cache.count > kept && cache.frames[cache.count - 1] == first - 1)
            first = cache.pop();
        pool.give_run(first, last + 1);
    }
}

// Frees a frame when the cache is full, or when it may be another node's. A cache with frames of another node takes
// none, so that it soon is empty and its CPU gets near ones again.
[[gnu::noinline]] void free_with_care(CpuCache& cache, FrameNumber number, Contents contents) {
    if (auto const node = node_of(number); pool_count > 1 && (node != cache.home || cache.node != cache.home)) {
        LockGuard guard(pools[node].lock);
        pools[node].give(number, 0);
        return;
    }
    if (contents == Contents::zero && cache.zeroed_count < CpuCache::zeroed_capacity)
        return cache.push_zeroed(number);
    if (cache.count == CpuCache::capacity)
        give_back(cache, CpuCache::capacity - CpuCache::batch);
    cache.push(number);
}

}  // namespace

Result<> initialize_frames(BootRanges& ranges) {
    auto const table_length = align_up(ranges.top().page() * sizeof(Frame), page_size);
    total_pages = ranges.total_bytes() / page_size;
    auto const table = TRY(ranges.take(table_length, ranges.top()));
    clear_frames(table, table_length / page_size);
#pragma clang unsafe_buffer_usage begin  // the memory was taken for exactly this array
    detail::frame_table = {reinterpret_cast<Frame*>(arch::phys_to_virt(table)), ranges.top().page()};
#pragma clang unsafe_buffer_usage end
    managed_pages = ranges.bytes() / page_size;
    for (auto& cache : caches)
        std::construct_at(&cache);
    for (auto& pool : pools) {
        LockGuard guard(pool.lock);
        pool.buddy = {};
        pool.free_pages = 0;
        pool.total_pages = 0;
        pool.nearest_first = {};
    }
    node_map = &one_node;
    pool_count = 1;
    node_blocks_count = 0;
    auto& pool = pools[0];
    pool.total_pages = managed_pages;
    LockGuard guard(pool.lock);
    for (auto const& range : ranges.ranges())
        pool.give_run(static_cast<FrameNumber>(range.start.page()), static_cast<FrameNumber>(range.end.page()));
    return {};
}

namespace {

// A block that two nodes share goes to the first.
void learn_node_blocks(numa::NodeMap const& map) {
    auto const block_of = [](std::uint64_t page) {
        return static_cast<FrameNumber>(std::min<std::uint64_t>(page >> max_order, ~FrameNumber{0}));
    };
    FrameNumber last_end = 0;
    for (auto const& part : map.memory()) {
        auto const first = std::max(block_of(part.start.page()), last_end);
        auto const end = block_of(part.end.page() + (std::uint64_t{1} << max_order) - 1);
        if (first >= end)
            continue;
        node_blocks[node_blocks_count++] = {.first = first, .end = end, .node = part.node};
        last_end = end;
    }
}

void count_pages_of_nodes(BootInfo const& info) {
    pools[0].total_pages = 0;
    BootRanges const usable(info, PhysAddr{detail::frame_table.size() * page_size});
    for (auto const& range : usable.ranges()) {
        for (auto page = range.start.page(); page < range.end.page();) {
            auto const next = std::min(align_up(page + 1, std::uint64_t{1} << max_order), range.end.page());
            pools[node_of(static_cast<FrameNumber>(page))].total_pages += next - page;
            page = next;
        }
    }
}

// Takes all free blocks from the one pool that there was, as a chain. In each `previous` is the order.
FrameNumber take_all_blocks() {
    FrameNumber chain = no_frame;
    auto& pool = pools[0];
    LockGuard guard(pool.lock);
    for (auto* zone : {&pool.buddy.low, &pool.buddy.high}) {
        for (unsigned order = 0; order <= max_order; ++order) {
            while (auto const number = zone->first[order]) {
                zone->unlink(number, order);
                // Not free, or it would merge while it waits for its place.
                frame_at(number).kind = FrameKind::cached;
                set_links(frame_at(number), {.previous = order, .next = chain});
                chain = number;
            }
        }
    }
    pool.free_pages = 0;
    return chain;
}

}  // namespace

void use_nodes(numa::NodeMap const& map, BootInfo const& info) {
    learn_node_blocks(map);
    count_pages_of_nodes(info);
    for (std::size_t node = 0; node < map.count(); ++node)
        pools[node].nearest_first = map.nearest_first(node);
    drain_frame_cache();
    if (map.count() > 1) {
        for (auto& cache : caches)
            cache.unchecked_count = cache.unchecked_zeroed_count = 0;
    }
    auto chain = take_all_blocks();
    node_map = &map;
    pool_count = map.count();
    while (chain != no_frame) {
        auto const number = chain;
        auto const [order, next] = links_of(frame_at(number));
        auto& pool = pools[node_of(number)];
        LockGuard guard(pool.lock);
        pool.give(number, order);
        chain = next;
    }
}

void set_node_of_cpu(std::uint32_t cpu, std::uint8_t node) {
    caches[cpu].home = node;
}
std::uint8_t node_of_cpu(std::uint32_t cpu) {
    return caches[cpu].home;
}
numa::NodeMap const& nodes() {
    return *node_map;
}

// Budget: 45 instructions out of the cache, and 280 more if the frame must be cleared (anon_fault).
Result<PhysAddr> allocate_frame(FrameKind kind, Zero zero, Reserve reserve) {
    PhysAddr frame;
    bool is_cleared = false;
    {
        PreemptionGuard guard;
        auto& cache = caches[arch::cpu_index()];
        FrameNumber number = no_frame;
        if (zero == Zero::yes && cache.zeroed_count > 0) {
            number = cache.pop_zeroed();
            is_cleared = true;
        } else {
            if (cache.count == 0) [[unlikely]] {
                // Mostly the CPU's own node has enough to settle it.
                auto const kept = reserve == Reserve::keep ? reserve_of(total_pages) : 0;
                if (pools[cache.home].free_pages < kept && free_pages() < kept)
                    return fail(Error::no_memory);
                if (!refill(cache))
                    return fail(Error::no_memory);
            }
            number = cache.pop();
        }
        cache.handed_out.add(kind, 1);
        mark(number, kind);
        frame = {std::uint64_t{number} * page_size};
    }
    if (zero == Zero::yes && !is_cleared)
        arch::clear_page(arch::phys_to_virt(frame));
    return frame;
}

bool has_frames_beside_reserve(std::uint64_t count) {
    auto const free = free_pages();
    auto const reserve = reserve_of(total_pages);
    return free >= reserve && free - reserve >= count;
}

void free_frame(PhysAddr frame, Contents contents) {
    PreemptionGuard guard;
    auto& cache = caches[arch::cpu_index()];
    auto const number = static_cast<FrameNumber>(frame.page());
    cache.given_back.add(frame_at(number).kind, 1);
    unmark(number, FrameKind::cached);
    if (contents == Contents::zero && cache.zeroed_count < cache.unchecked_zeroed_count)
        cache.push_zeroed(number);
    else if (cache.count < cache.unchecked_count) [[likely]]
        cache.push(number);
    else
        free_with_care(cache, number, contents);
}

// The frame is in use while it is cleared, because other threads of this CPU may run meanwhile.
bool prepare_zeroed_frame() {
    {
        PreemptionGuard guard;
        auto const& cache = caches[arch::cpu_index()];
        auto const& pool = pools[cache.home];
        if (cache.zeroed_count == CpuCache::zeroed_capacity || pool.free_pages < 2 * reserve_of(pool.total_pages))
            return false;
    }
    auto const frame = allocate_frame(FrameKind::kernel, Zero::no, Reserve::keep);
    if (!frame)
        return false;
    arch::clear_page(arch::phys_to_virt(*frame));
    free_frame(*frame, Contents::zero);
    return true;
}

void drain_frame_cache() {
    PreemptionGuard guard;
    auto& cache = caches[arch::cpu_index()];
    give_back(cache, 0);
    give_zeroed_back(cache);
}

Result<PhysAddr> allocate_frames(unsigned order, FrameKind kind, Zero zero) {
    if (order == 0)
        return allocate_frame(kind, zero);
    return allocate_contiguous(std::uint64_t{1} << order, kind, zero);
}

void free_frames(PhysAddr first, unsigned order) {
    if (order == 0)
        free_frame(first);
    else
        free_contiguous(first, std::uint64_t{1} << order);
}

Result<PhysAddr> allocate_contiguous(std::uint64_t count, FrameKind kind, Zero zero, bool is_low) {
    if (count == 0 || count > std::uint64_t{1} << max_order)
        return fail(Error::no_memory);
    auto const order = static_cast<unsigned>(std::bit_width(count - 1));
    FrameNumber first = no_frame;
    {
        PreemptionGuard guard;
        auto& cache = caches[arch::cpu_index()];
        for (auto const node : std::span(pools[cache.home].nearest_first).first(pool_count)) {
            auto& pool = pools[node];
            LockGuard pool_guard(pool.lock);
            first = pool.take(order, is_low);
            if (first == no_frame)
                continue;
            // The rest of the block goes back at once; it cannot merge with the part that is kept.
            pool.give_run(first + static_cast<FrameNumber>(count), first + (FrameNumber{1} << order));
            for (FrameNumber number = first; number < first + count; ++number)
                mark(number, kind);
            cache.handed_out.add(kind, count);
            cache.pages_of_node[node] = cache.pages_of_node[node] + count;
            cache.attributed = cache.attributed + count;
            break;
        }
    }
    if (first == no_frame)
        return fail(Error::no_memory);
    PhysAddr const address{std::uint64_t{first} * page_size};
    if (zero == Zero::yes)
        clear_frames(address, count);
    return address;
}

void free_contiguous(PhysAddr first, std::uint64_t count) {
    auto const number = static_cast<FrameNumber>(first.page());
    auto& pool = pools[node_of(number)];
    LockGuard guard(pool.lock);
    caches[arch::cpu_index()].given_back.add(frame_at(number).kind, count);
    for (auto each = number; each < number + count; ++each)
        unmark(each, FrameKind::boot);
    pool.give_run(number, number + static_cast<FrameNumber>(count));
}

FrameCounts count_frames() {
    FrameCounts counts;
    std::uint64_t used = 0;
    for (auto const& cache : caches)
        counts.zeroed += cache.zeroed_count;
    for (std::size_t kind = 0; kind < frame_kinds; ++kind) {
        std::uint64_t sum = 0;
        for (auto const& cache : caches)
            sum += cache.handed_out.of[kind].load(std::memory_order_relaxed) -
                   cache.given_back.of[kind].load(std::memory_order_relaxed);
        counts.by_kind[kind] = static_cast<std::uint64_t>(std::max(static_cast<std::int64_t>(sum), std::int64_t{0}));
        used += counts.by_kind[kind];
    }
    counts.total = total_pages;
    counts.free = managed_pages - std::min(used, managed_pages);
    counts.boot = total_pages - managed_pages;
    return counts;
}

NodeCounts count_node(std::size_t node) {
    auto const& pool = pools[node];
    NodeCounts counts{.total = pool.total_pages, .free = pool.free_pages};
    for (auto const& cache : caches) {
        if (cache.node == node)
            counts.free += cache.count + cache.zeroed_count;
        (cache.home == node ? counts.local : counts.remote) += cache.pages_from(static_cast<std::uint8_t>(node));
    }
    return counts;
}

}  // namespace astrata::kernel::mem
