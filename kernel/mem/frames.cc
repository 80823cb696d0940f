// The buddy system (Knowlton, 1965): free blocks of 2^n frames, aligned to their size, in one list for each n; a block
// that is freed merges with its buddy, the other half of the next larger block, as long as that is free too.
//
// Memory below 4 GiB forms a zone of its own, which is used last, so that devices with 32-bit addresses find some.
#include "kernel/mem/frames.h"

#include <algorithm>
#include <bit>

#include "arch/cpu.h"
#include "arch/memory_check.h"
#include "arch/page_copy.h"
#include "kernel/mem/tlb.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::mem {

namespace {

using FrameNumber = std::uint32_t;   // enough for 16 TiB
constexpr FrameNumber no_frame = 0;  // frame 0 is in the first MiB, which is never allocated
constexpr FrameNumber low_zone_end = (std::uint64_t{4} << 30) / page_size;

struct Links {
    FrameNumber previous;
    FrameNumber next;
};

Links links_of(Frame const& frame) {
    return std::bit_cast<Links>(frame.word.load(std::memory_order_relaxed));
}
void set_links(Frame& frame, Links links) {
    frame.word.store(std::bit_cast<std::uint64_t>(links), std::memory_order_relaxed);
}
Frame& frame_at(FrameNumber number) {
    return detail::frame_table[number];
}

struct FreeLists {
    std::array<FrameNumber, max_order + 1> first{};
    std::uint32_t orders = 0;  // a bit for each list that is not empty

    void push(FrameNumber number, unsigned order) {
        auto& frame = frame_at(number);
        frame.kind = FrameKind::free;
        frame.order = static_cast<std::uint8_t>(order);
        set_links(frame, {.previous = no_frame, .next = first[order]});
        if (first[order] != no_frame)
            set_links(frame_at(first[order]), {.previous = number, .next = links_of(frame_at(first[order])).next});
        first[order] = number;
        orders |= std::uint32_t{1} << order;
    }
    void unlink(FrameNumber number, unsigned order) {
        auto const links = links_of(frame_at(number));
        if (links.previous != no_frame)
            set_links(frame_at(links.previous),
                      {.previous = links_of(frame_at(links.previous)).previous, .next = links.next});
        else
            first[order] = links.next;
        if (first[order] == no_frame)
            orders &= ~(std::uint32_t{1} << order);
        if (links.next != no_frame)
            set_links(frame_at(links.next), {.previous = links.previous, .next = links_of(frame_at(links.next)).next});
    }
};

struct Buddy {
    FreeLists low;
    FreeLists high;

    FreeLists& zone_of(FrameNumber number) { return number < low_zone_end ? low : high; }

    FrameNumber take(FreeLists& zone, unsigned order) {
        auto const large_enough = zone.orders >> order;
        if (large_enough == 0)
            return no_frame;
        auto found = order + static_cast<unsigned>(std::countr_zero(large_enough));
        auto const number = zone.first[found];
        zone.unlink(number, found);
        while (found > order) {
            --found;
            zone.push(number + (FrameNumber{1} << found), found);
        }
        // Not free any more, before its kind is set: a buddy that is freed meanwhile must not merge with it.
        frame_at(number).kind = FrameKind::cached;
        frame_at(number).order = static_cast<std::uint8_t>(order);
        return number;
    }
    FrameNumber take(unsigned order, bool is_low) {
        auto number = is_low ? no_frame : take(high, order);
        if (number == no_frame)
            number = take(low, order);
        if (number != no_frame)
            free_pages -= std::uint64_t{1} << order;
        return number;
    }

    std::uint64_t free_pages = 0;

    void give(FrameNumber number, unsigned order) {
        auto& zone = zone_of(number);
        free_pages += std::uint64_t{1} << order;
        while (order < max_order) {
            auto const other = number ^ (FrameNumber{1} << order);
            if (other >= detail::frame_table.size())
                break;
            auto& buddy = frame_at(other);
            if (buddy.kind != FrameKind::free || buddy.order != order)
                break;
            zone.unlink(other, order);
            // The half that is no longer first keeps no trace of being free.
            buddy.kind = FrameKind::boot;
            frame_at(number).kind = FrameKind::boot;
            number = std::min(number, other);
            ++order;
        }
        zone.push(number, order);
    }
};

// Single frames for one CPU, used with preemption off and nowhere else.
struct CpuCache {
    static constexpr std::size_t capacity = 64;
    static constexpr unsigned batch_order = 4;
    static constexpr std::size_t batch = std::size_t{1} << batch_order;
    std::array<FrameNumber, capacity> frames{};
    std::size_t count = 0;
    // Frames that hold zeroes: page tables that became empty, and what the idle thread has cleared.
    static constexpr std::size_t zeroed_capacity = 32;
    std::array<FrameNumber, zeroed_capacity> zeroed{};
    Relaxed<std::size_t> zeroed_count = 0;
    // Pages handed out minus pages taken back on this CPU; only the sum over all CPUs means something.
    std::array<std::atomic<std::int64_t>, frame_kinds> used{};

    void note_used(FrameKind kind, std::int64_t pages) {
        auto& counter = used[static_cast<std::size_t>(kind)];
        counter.store(counter.load(std::memory_order_relaxed) + pages, std::memory_order_relaxed);
    }
};

SpinLock<LockRank::frames, PreemptionOff> lock;
Buddy buddy GUARDED_BY(lock);
std::array<CpuCache, cpu_limit> caches;
std::uint64_t total_pages = 0;

// What foreign programs and caches leave to the system: a sixty-fourth of memory, at least half a MiB.
std::uint64_t reserved_pages() {
    return std::max<std::uint64_t>(total_pages / 64, 128);
}

std::uint64_t managed_pages = 0;

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

// Gives a run of frames to the buddy system in the largest aligned blocks.
void give_run(FrameNumber number, FrameNumber end) REQUIRES(lock) {
    while (number < end) {
        unsigned order = std::min<unsigned>(max_order, static_cast<unsigned>(std::countr_zero(number)));
        while ((FrameNumber{1} << order) > end - number)
            --order;
        buddy.give(number, order);
        number += FrameNumber{1} << order;
    }
}

// Fills this CPU's empty cache. False: there is nothing left.
bool refill(CpuCache& cache) REQUIRES(lock) {
    // A whole block at once, if there is one; the last first, so that frames come out in order.
    if (auto const block = buddy.take(CpuCache::batch_order, false); block != no_frame) {
        for (auto index = CpuCache::batch; index-- > 0;) {
            frame_at(block + static_cast<FrameNumber>(index)).kind = FrameKind::cached;
            cache.frames[cache.count++] = block + static_cast<FrameNumber>(index);
        }
    }
    while (cache.count < CpuCache::batch) {
        auto const number = buddy.take(0, false);
        if (number == no_frame)
            break;
        cache.frames[cache.count++] = number;
    }
    return cache.count > 0;
}

FrameNumber take_zeroed(CpuCache& cache) {
    auto const count = cache.zeroed_count - 1;
    cache.zeroed_count = count;
    return cache.zeroed[count];
}

// Gives the newest frames in the cache back, down to `kept`. Frames are mostly freed in order of addresses, so whole
// runs can be given at once instead of being merged one by one.
void give_back(CpuCache& cache, std::size_t kept) REQUIRES(lock) {
    while (cache.count > kept) {
        auto const last = cache.frames[--cache.count];
        auto first = last;
        while (cache.count > kept && cache.frames[cache.count - 1] == first - 1)
            first = cache.frames[--cache.count];
        give_run(first, last + 1);
    }
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
    for (auto& cache : caches) {
        cache.count = 0;
        cache.zeroed_count = 0;
        for (auto& counter : cache.used)
            counter.store(0, std::memory_order_relaxed);
    }
    LockGuard guard(lock);
    buddy = {};
    for (auto const& range : ranges.ranges())
        give_run(static_cast<FrameNumber>(range.start.page()), static_cast<FrameNumber>(range.end.page()));
    return {};
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
            number = take_zeroed(cache);
            is_cleared = true;
        } else {
            if (cache.count == 0) [[unlikely]] {
                LockGuard buddy_guard(lock);
                if (reserve == Reserve::keep && buddy.free_pages < reserved_pages())
                    return fail(Error::no_memory);
                if (!refill(cache)) {
                    if (cache.zeroed_count == 0)
                        return fail(Error::no_memory);
                    cache.frames[cache.count++] = take_zeroed(cache);
                }
            }
            number = cache.frames[--cache.count];
        }
        cache.note_used(kind, 1);
        mark(number, kind);
        frame = {std::uint64_t{number} * page_size};
    }
    if (zero == Zero::yes && !is_cleared)
        arch::clear_page(arch::phys_to_virt(frame));
    return frame;
}

bool has_frames_beside_reserve(std::uint64_t count) {
    LockGuard guard(lock);
    return buddy.free_pages >= reserved_pages() && buddy.free_pages - reserved_pages() >= count;
}

void free_frame(PhysAddr frame, Contents contents) {
    PreemptionGuard guard;
    auto& cache = caches[arch::cpu_index()];
    auto const number = static_cast<FrameNumber>(frame.page());
    cache.note_used(frame_at(number).kind, -1);
    unmark(number, FrameKind::cached);
    if (contents == Contents::zero && cache.zeroed_count < CpuCache::zeroed_capacity) {
        cache.zeroed[cache.zeroed_count] = number;
        cache.zeroed_count = cache.zeroed_count + 1;
        return;
    }
    if (cache.count == CpuCache::capacity) {
        LockGuard buddy_guard(lock);
        give_back(cache, CpuCache::capacity - CpuCache::batch);
    }
    cache.frames[cache.count++] = number;
}

// The frame is in use while it is cleared, because other threads of this CPU may run meanwhile.
bool prepare_zeroed_frame() {
    {
        PreemptionGuard guard;
        if (caches[arch::cpu_index()].zeroed_count == CpuCache::zeroed_capacity)
            return false;
        LockGuard buddy_guard(lock);
        if (buddy.free_pages < 2 * reserved_pages())
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
    LockGuard buddy_guard(lock);
    give_back(cache, 0);
    while (cache.zeroed_count > 0) {
        auto const number = take_zeroed(cache);
        give_run(number, number + 1);
    }
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
    FrameNumber first;
    {
        LockGuard guard(lock);
        first = buddy.take(order, is_low);
        if (first == no_frame)
            return fail(Error::no_memory);
        // The rest of the block goes back at once; it cannot merge with the part that is kept.
        give_run(first + static_cast<FrameNumber>(count), first + (FrameNumber{1} << order));
        for (FrameNumber number = first; number < first + count; ++number)
            mark(number, kind);
        caches[arch::cpu_index()].note_used(kind, static_cast<std::int64_t>(count));
    }
    PhysAddr const address{std::uint64_t{first} * page_size};
    if (zero == Zero::yes)
        clear_frames(address, count);
    return address;
}

void free_contiguous(PhysAddr first, std::uint64_t count) {
    auto const number = static_cast<FrameNumber>(first.page());
    LockGuard guard(lock);
    caches[arch::cpu_index()].note_used(frame_at(number).kind, -static_cast<std::int64_t>(count));
    for (auto each = number; each < number + count; ++each)
        unmark(each, FrameKind::boot);
    give_run(number, number + static_cast<FrameNumber>(count));
}

FrameCounts count_frames() {
    FrameCounts counts;
    std::uint64_t used = 0;
    for (auto const& cache : caches)
        counts.zeroed += cache.zeroed_count;
    for (std::size_t kind = 0; kind < frame_kinds; ++kind) {
        std::int64_t sum = 0;
        for (auto const& cache : caches)
            sum += cache.used[kind].load(std::memory_order_relaxed);
        counts.by_kind[kind] = static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
        used += counts.by_kind[kind];
    }
    counts.total = total_pages;
    counts.free = managed_pages - std::min(used, managed_pages);
    counts.boot = total_pages - managed_pages;
    return counts;
}

}  // namespace astrata::kernel::mem
