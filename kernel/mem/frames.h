// Page frames: a buddy allocator over the usable memory of each node, with a cache of single frames for each CPU.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "kernel/mem/boot_ranges.h"
#include "lib/base/result.h"
#include "lib/base/units.h"
#include "lib/numa/node_map.h"

namespace astrata::kernel::mem {

/// What a frame is in use for. Frames that were never given to the allocator (the image, holes, firmware's) stay
/// `boot`.
enum class FrameKind : std::uint8_t { boot, free, cached, kernel, slab, page_table, user, contiguous };
inline constexpr std::size_t frame_kinds = 8;

/// A field that others may read at any time, without any order being implied.
template <typename T>
class Relaxed {
public:
    constexpr Relaxed(T value = {}) : value_(value) {}
    Relaxed& operator=(T value) {
        value_.store(value, std::memory_order_relaxed);
        return *this;
    }
    operator T() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<T> value_;
};

/// While it lives, this thread stays on this CPU.
class PreemptionGuard {
public:
    PreemptionGuard() { arch::disable_preemption(); }
    ~PreemptionGuard() { arch::enable_preemption(); }
    PreemptionGuard(PreemptionGuard const&) = delete;
    PreemptionGuard& operator=(PreemptionGuard const&) = delete;
};

/// What is known of each 4 KiB frame: 16 bytes, 0.4 % of memory. The meaning of `word` and `extra` depends on the kind:
///   free (first frame of a block)   links of the free list
///   user         references of page trees (low half) and pins (high half); see user_page.h; extra: whether it is dirty
///   slab         links in its class's list of slabs with room; extra: see heap.cc
///   page_table   extra: number of present entries; word: which groups of entries have any (lib/paging)
struct Frame {
    std::atomic<std::uint64_t> word = 0;
    std::uint32_t extra = 0;
    std::uint16_t account = 0;                  // user, page_table: who pays (AccountId)
    std::uint8_t order = 0;                     // free
    Relaxed<FrameKind> kind = FrameKind::boot;  // neighbours look at it when they merge
};
static_assert(sizeof(Frame) == 16);

inline constexpr unsigned max_order = 10;  // 4 MiB
/// The longest contiguous run, in bytes.
inline constexpr std::uint64_t contiguous_limit = page_size << max_order;

enum class Zero : bool { no, yes };
/// Foreign programs' memory and caches must leave a little: otherwise those who would have to clean up could not.
enum class Reserve : bool { may_use, keep };

/// Takes over the usable ranges; the array of Frames comes out of them. All of them must be in the direct map.
/// errors    no_memory (not even room for the array)
[[nodiscard]] Result<> initialize_frames(BootRanges& ranges);

/// Divides the memory among its nodes; all of it is node 0's before. A CPU gets memory of its own node from then on, and of the nearest
/// other one that has any when that is used up.
/// map       stays
/// context   once, before there are other CPUs
void use_nodes(numa::NodeMap const& map, BootInfo const& info);
/// Before the CPU allocates anything.
void set_node_of_cpu(std::uint32_t cpu, std::uint8_t node);
[[nodiscard]] std::uint8_t node_of_cpu(std::uint32_t cpu);
[[nodiscard]] numa::NodeMap const& nodes();

/// 2^order contiguous frames, aligned to their size.
/// errors    no_memory
/// context   any but interrupts
[[nodiscard]] Result<PhysAddr> allocate_frames(unsigned order, FrameKind kind, Zero zero);
void free_frames(PhysAddr first, unsigned order);

/// One frame, out of this CPU's cache where possible.
/// errors    no_memory
[[nodiscard]] Result<PhysAddr> allocate_frame(FrameKind kind, Zero zero, Reserve reserve = Reserve::may_use);
/// What a frame holds that is given back. Frames known to be zero are kept apart, for those who want such.
enum class Contents : bool { unknown, zero };
void free_frame(PhysAddr frame, Contents contents = Contents::unknown);
/// Clears a free frame in advance; for a CPU that has nothing else to do. False: it has enough of them, or memory is short.
/// context   preemption on or off
bool prepare_zeroed_frame();
/// Whether Reserve::keep would leave that many frames now.
[[nodiscard]] bool has_frames_beside_reserve(std::uint64_t count);

/// Any number of contiguous frames, not aligned beyond their size's power of two rounded down; below 4 GiB when
/// `is_low`, for devices with 32-bit addresses.
/// errors    no_memory (also when memory is too fragmented, or count above 2^max_order)
[[nodiscard]] Result<PhysAddr> allocate_contiguous(std::uint64_t count, FrameKind kind, Zero zero, bool is_low = false);
void free_contiguous(PhysAddr first, std::uint64_t count);

namespace detail {
inline std::span<Frame> frame_table;  // by frame number; set once, before there are other CPUs
}
/// `address` lies in memory that was usable at boot.
inline Frame& frame_of(PhysAddr address) {
    return detail::frame_table[address.page()];
}
inline PhysAddr address_of(Frame const& frame) {
    return {static_cast<std::uint64_t>(&frame - detail::frame_table.data()) * page_size};
}
/// Whether there is a Frame for the address; there is none for device memory above the last RAM.
inline bool has_frame(PhysAddr address) {
    return address.page() < detail::frame_table.size();
}

#pragma clang unsafe_buffer_usage begin  // physical memory becomes a span here
inline std::span<std::byte, page_size> page_bytes(PhysAddr page) {
    return std::span<std::byte, page_size>(arch::phys_to_virt(page), page_size);
}
#pragma clang unsafe_buffer_usage end

/// Pages in use, by kind, at one moment (allocations that go on meanwhile may be seen half).
struct FrameCounts {
    std::uint64_t total = 0;                           ///< usable memory that firmware reported
    std::uint64_t free = 0;                            ///< including the CPUs' caches
    std::uint64_t zeroed = 0;                          ///< of the free ones: cleared in advance
    std::uint64_t boot = 0;                            ///< image, archive, Frame array, early page tables
    std::array<std::uint64_t, frame_kinds> by_kind{};  ///< kernel, slab, page_table, user, contiguous
};
[[nodiscard]] FrameCounts count_frames();

/// Pages of one node, likewise. The last two only grow.
struct NodeCounts {
    std::uint64_t total = 0;   ///< without what firmware, the image and the archive have
    std::uint64_t free = 0;    ///< including CPUs' caches
    std::uint64_t local = 0;   ///< handed out to CPUs of the node
    std::uint64_t remote = 0;  ///< handed out to CPUs of other nodes
};
[[nodiscard]] NodeCounts count_node(std::size_t node);

/// Gives this CPU's cached frames back, before it goes offline.
void drain_frame_cache();

}  // namespace astrata::kernel::mem
