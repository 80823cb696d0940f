#include "strates/linux/memory/region_map.h"

#include <algorithm>
#include <new>

#include "lib/base/units.h"

namespace astrata::linux_abi {

std::span<Region> RegionMap::all() const {
#pragma clang unsafe_buffer_usage begin  // the array and its capacity live side by side in this class
    return {storage_.get(), capacity_};
#pragma clang unsafe_buffer_usage end
}

std::size_t RegionMap::index_above(std::uint64_t address) const {
    auto found = std::ranges::upper_bound(regions(), address, {}, &Region::end);
    return static_cast<std::size_t>(found - regions().begin());
}

Region const* RegionMap::first_above(std::uint64_t address) const {
    auto index = index_above(address);
    return index < count_ ? &regions()[index] : nullptr;
}

Region const* RegionMap::find(std::uint64_t address) const {
    auto const* region = first_above(address);
    return region != nullptr && region->start <= address ? region : nullptr;
}

bool RegionMap::is_free(std::uint64_t start, std::uint64_t end) const {
    auto const* region = first_above(start);
    return region == nullptr || region->start >= end;
}

bool RegionMap::is_covered(std::uint64_t start, std::uint64_t end) const {
    for (auto index = index_above(start); start < end; ++index) {
        if (index >= count_ || regions()[index].start > start)
            return false;
        start = regions()[index].end;
    }
    return true;
}

std::uint64_t RegionMap::find_gap(std::uint64_t length, std::uint64_t low, std::uint64_t high,
                                  std::uint64_t alignment) const {
    if (length == 0 || high < low || high - low < length)
        return 0;
    // From the top down, gap by gap: [previous region's end, this one's start).
    std::uint64_t gap_end = high;
    for (std::size_t index = index_above(high - 1);; --index) {
        if (index < count_)
            gap_end = std::min(gap_end, regions()[index].start);
        std::uint64_t gap_start = index == 0 ? low : std::max(low, regions()[index - 1].end);
        if (gap_end > gap_start && gap_end - gap_start >= length) {
            auto start = align_down(gap_end - length, alignment);
            if (start >= gap_start)
                return start;
        }
        if (index == 0 || regions()[index - 1].start <= low)
            return 0;
        gap_end = std::min(gap_end, regions()[index - 1].start);
    }
}

LinuxResult<> RegionMap::reserve(std::size_t additional) {
    auto wanted = count_ + additional;
    if (wanted <= capacity_)
        return {};
    if (wanted > region_limit)
        return fail(Errno::enomem);
    auto capacity = std::min(std::max(wanted, capacity_ + capacity_ / 2 + 8), region_limit);
    std::unique_ptr<Region[]> larger(new (std::nothrow) Region[capacity]);
    if (larger == nullptr)
        return fail(Errno::enomem);
#pragma clang unsafe_buffer_usage begin  // the allocation above
    std::span<Region> target(larger.get(), capacity);
#pragma clang unsafe_buffer_usage end
    std::ranges::move(all().first(count_), target.begin());
    storage_ = std::move(larger);
    capacity_ = capacity;
    return {};
}

void RegionMap::insert_at(std::size_t index, Region region) {
    auto slots = all();
    std::move_backward(slots.begin() + static_cast<std::ptrdiff_t>(index),
                       slots.begin() + static_cast<std::ptrdiff_t>(count_),
                       slots.begin() + static_cast<std::ptrdiff_t>(count_ + 1));
    slots[index] = std::move(region);
    ++count_;
}

void RegionMap::erase_at(std::size_t first, std::size_t last) {
    auto slots = all();
    std::move(slots.begin() + static_cast<std::ptrdiff_t>(last), slots.begin() + static_cast<std::ptrdiff_t>(count_),
              slots.begin() + static_cast<std::ptrdiff_t>(first));
    auto removed = last - first;
    for (auto& slot : slots.subspan(count_ - removed, removed))
        slot = {};  // drops its backing now, not when the slot is next used
    count_ -= removed;
}

void RegionMap::split_at(std::uint64_t address) {
    auto index = index_above(address);
    if (index >= count_ || all()[index].start >= address)
        return;
    auto& lower = all()[index];
    Region upper = lower;
    upper.offset += address - lower.start;
    upper.start = address;
    lower.end = address;
    insert_at(index + 1, std::move(upper));
}

void RegionMap::join_around(std::size_t first, std::size_t last) {
    for (std::size_t index = std::min(last, count_ - 1); index > 0 && index + 1 > first; --index) {
        auto& lower = all()[index - 1];
        auto const& upper = all()[index];
        bool is_continuation = lower.end == upper.start && lower.access == upper.access &&
                               lower.access_limit == upper.access_limit && lower.is_shared == upper.is_shared &&
                               lower.is_inherited == upper.is_inherited && lower.kind == upper.kind &&
                               lower.backing.get() == upper.backing.get() &&
                               (lower.backing.get() == nullptr || lower.offset + lower.length() == upper.offset);
        if (!is_continuation)
            continue;
        lower.end = upper.end;
        erase_at(index, index + 1);
    }
}

void RegionMap::insert(Region region) {
    auto index = index_above(region.start);
    total_ += region.length();
    insert_at(index, std::move(region));
    join_around(index, index + 1);
}

void RegionMap::remove(std::uint64_t start, std::uint64_t end) {
    split_at(start);
    split_at(end);
    auto first = index_above(start);
    auto last = first;
    while (last < count_ && all()[last].start < end) {
        total_ -= all()[last].length();
        ++last;
    }
    if (last != first)
        erase_at(first, last);
}

template <typename Change>
void RegionMap::change(std::uint64_t start, std::uint64_t end, Change apply) {
    split_at(start);
    split_at(end);
    auto first = index_above(start);
    auto last = first;
    for (; last < count_ && all()[last].start < end; ++last)
        apply(all()[last]);
    if (last != first)
        join_around(first, last);
}

void RegionMap::protect(std::uint64_t start, std::uint64_t end, std::uint8_t access) {
    change(start, end, [access](Region& region) { region.access = access; });
}

void RegionMap::set_inherited(std::uint64_t start, std::uint64_t end, bool is_inherited) {
    change(start, end, [is_inherited](Region& region) { region.is_inherited = is_inherited; });
}

LinuxResult<> RegionMap::copy_from(RegionMap const& other) {
    count_ = 0;
    total_ = 0;
    LTRY(reserve(other.count_));
    std::ranges::copy(other.regions(), all().begin());
    count_ = other.count_;
    total_ = other.total_;
    return {};
}

}  // namespace astrata::linux_abi
