#include "kernel/mem/boot_ranges.h"

#include <algorithm>

namespace astrata::kernel::mem {

namespace {

constexpr PhysAddr first_mebibyte{1U << 20};

// The range's end without wrapping, whatever firmware said.
PhysAddr end_of(MemoryRange const& range) {
    auto const end = range.start + range.length;
    return end < range.start ? PhysAddr{align_down(~std::uint64_t{0}, page_size)} : end;
}

}  // namespace

BootRanges::BootRanges(BootInfo const& info, PhysAddr limit) {
    for (auto const& range : info.ranges()) {
        if (range.kind == MemoryKind::usable)
            add(range.start, std::min(end_of(range), limit));
    }
    for (auto const& range : info.ranges()) {
        if (range.kind != MemoryKind::usable)
            subtract(range.start, end_of(range));
    }
    total_ = bytes();
    top_ = count_ > 0 ? ranges_[count_ - 1].end : PhysAddr{0};
    subtract(PhysAddr{0}, first_mebibyte);
    subtract(info.kernel_start, info.kernel_start + info.kernel_length);
    subtract(info.archive_start, info.archive_start + info.archive_length);
}

std::uint64_t BootRanges::bytes() const {
    std::uint64_t sum = 0;
    for (auto const& range : ranges())
        sum += range.length();
    return sum;
}

void BootRanges::remove_at(std::size_t index) {
    std::ranges::copy(std::span(ranges_).subspan(index + 1, count_ - index - 1),
                      std::span(ranges_).subspan(index).begin());
    --count_;
}

void BootRanges::insert_at(std::size_t index, PageRange range) {
    if (count_ == capacity) {
        auto const smallest = std::ranges::min_element(ranges(), {}, &PageRange::length);
        if (smallest->length() >= range.length())
            return;
        auto const lost = static_cast<std::size_t>(smallest - ranges().begin());
        remove_at(lost);
        if (lost < index)
            --index;
    }
    auto const tail = std::span(ranges_).subspan(index, count_ - index);
    std::ranges::copy_backward(tail, std::span(ranges_).first(count_ + 1).end());
    ranges_[index] = range;
    ++count_;
}

void BootRanges::add(PhysAddr start, PhysAddr end) {
    PageRange range{{align_up(start.value, page_size)}, {align_down(end.value, page_size)}};
    if (range.start >= range.end)
        return;
    // Swallow every range that overlaps or touches the new one.
    std::size_t index = 0;
    while (index < count_ && ranges_[index].end < range.start)
        ++index;
    while (index < count_ && ranges_[index].start <= range.end) {
        range.start = std::min(range.start, ranges_[index].start);
        range.end = std::max(range.end, ranges_[index].end);
        remove_at(index);
    }
    insert_at(index, range);
}

void BootRanges::subtract(PhysAddr start, PhysAddr end) {
    if (start >= end)
        return;
    start = {align_down(start.value, page_size)};
    end = end.value > align_down(~std::uint64_t{0}, page_size) ? end : PhysAddr{align_up(end.value, page_size)};
    for (std::size_t index = 0; index < count_;) {
        auto const range = ranges_[index];
        if (range.end <= start || range.start >= end) {
            ++index;
            continue;
        }
        remove_at(index);
        if (range.start < start)
            insert_at(index++, {range.start, start});
        if (end < range.end) {
            insert_at(index, {end, range.end});
            return;  // what follows lies beyond `end`
        }
    }
}

Result<PhysAddr> BootRanges::take(std::uint64_t length, PhysAddr limit) {
    for (auto index = count_; index-- > 0;) {
        auto const end = std::min(ranges_[index].end, limit);
        if (end < ranges_[index].start || end - ranges_[index].start < length)
            continue;
        subtract(end - length, end);
        return end - length;
    }
    return fail(Error::no_memory);
}

}  // namespace astrata::kernel::mem
