// From the memory map as firmware gave it to ranges that may be used.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "kernel/boot/boot_info.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel::mem {

/// Page-aligned, [start, end).
struct PageRange {
    PhysAddr start;
    PhysAddr end;

    [[nodiscard]] std::uint64_t length() const { return end - start; }
};

/// Usable memory: ranges that are sorted, disjoint and page-aligned. Of a list that grows beyond its capacity the
/// smallest range is given up.
class BootRanges {
public:
    /// Firmware's usable ranges, without what another range claims, what lies beyond `limit`, the first MiB (real-mode
    /// tables, and the trampoline that starts further CPUs), the kernel image and the boot archive.
    explicit BootRanges(BootInfo const& info, PhysAddr limit);

    [[nodiscard]] std::span<PageRange const> ranges() const { return std::span(ranges_).first(count_); }
    [[nodiscard]] std::uint64_t bytes() const;
    /// Usable bytes before the image, the archive and allocations were taken away.
    [[nodiscard]] std::uint64_t total_bytes() const { return total_; }
    /// One past the last byte that was usable at first.
    [[nodiscard]] PhysAddr top() const { return top_; }

    /// Takes `length` bytes (whole pages) off the end of the highest range below `limit` that has them.
    /// errors    no_memory
    [[nodiscard]] Result<PhysAddr> take(std::uint64_t length, PhysAddr limit);

private:
    void add(PhysAddr start, PhysAddr end);
    void subtract(PhysAddr start, PhysAddr end);
    void remove_at(std::size_t index);
    void insert_at(std::size_t index, PageRange range);

    static constexpr std::size_t capacity = 2 * BootInfo::range_capacity;
    std::array<PageRange, capacity> ranges_{};
    std::size_t count_ = 0;
    std::uint64_t total_ = 0;
    PhysAddr top_;
};

}  // namespace astrata::kernel::mem
