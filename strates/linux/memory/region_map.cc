#include "strates/linux/memory/region_map.h"

#include <algorithm>
#include <memory>
#include <new>

#include "lib/base/units.h"

namespace astrata::linux_abi {

// The first region that ends above the address.
std::size_t RegionMap::index_above(std::uint64_t address) const {
    auto const known = regions();
    auto recent = recent_;
    if (recent < known.size()) {
        if (known[recent].end > address && (recent == 0 || known[recent - 1].end <= address))
            return recent;
        // What was cut off from that one or joined to it.
        recent += known[recent].end <= address ? 1 : -1;
        if (recent < known.size() && known[recent].end > address && (recent == 0 || known[recent - 1].end <= address))
            return recent_ = recent;
    }
    std::size_t first = 0;
    for (auto last = known.size(); first < last;) {
        auto const middle = first + (last - first) / 2;
        if (known[middle].end > address)
            last = middle;
        else
            first = middle + 1;
    }
    recent_ = first;
    return first;
}

Region const* RegionMap::first_above(std::uint64_t address) const {
    auto index = index_above(address);
    return index < count_ ? &regions()[index] : nullptr;
}

Region const* RegionMap::find(std::uint64_t address) const {
    auto const* region = first_above(address);
    return region != nullptr && region->start <= address ? region : nullptr;
}

std::span<Region const> RegionMap::overlapping(std::uint64_t start, std::uint64_t end) const {
    auto const first = index_above(start);
    auto last = first;
    while (last < count_ && regions()[last].start < end)
        ++last;
    return regions().subspan(first, last - first);
}

bool RegionMap::is_free(std::uint64_t start, std::uint64_t end) const {
    auto const* region = first_above(start);
    return region == nullptr || region->start >= end;
}

std::optional<std::uint8_t> RegionMap::common_limit(std::uint64_t start, std::uint64_t end) const {
    auto const known = regions();
    std::uint8_t limit = 7;
    for (auto index = index_above(start); start < end; ++index) {
        if (index >= known.size() || known[index].start > start)
            return std::nullopt;
        start = known[index].end;
        limit &= known[index].access_limit;
    }
    return limit;
}

std::uint64_t RegionMap::covered_end(std::uint64_t start) const {
    for (auto const& region : regions().subspan(index_above(start))) {
        if (region.start > start)
            break;
        start = region.end;
    }
    return start;
}

std::uint64_t RegionMap::find_gap(std::uint64_t length, std::uint64_t low, std::uint64_t high,
                                  std::uint64_t alignment) const {
    if (length == 0 || high < low || high - low < length)
        return 0;
    if (high != full_end_)
        full_start_ = full_end_ = high;
    // From the top down, gap by gap: [previous region's end, this one's start).
    auto const known = regions();
    std::uint64_t gap_end = full_start_;
    if (gap_end < low)
        return 0;
    for (std::size_t index = index_above(gap_end - 1);; --index) {
        if (index < known.size() && known[index].start < gap_end) {
            if (gap_end == full_start_)
                full_start_ = known[index].start;
            gap_end = known[index].start;
        }
        std::uint64_t gap_start = index == 0 ? low : std::max(low, known[index - 1].end);
        if (gap_end > gap_start && gap_end - gap_start >= length) {
            auto start = align_down(gap_end - length, alignment);
            if (start >= gap_start)
                return start;
        }
        if (index == 0 || known[index - 1].start <= low)
            return 0;
        // A gap that is too small ends what is full.
        if (known[index - 1].end < gap_end)
            gap_end = known[index - 1].end;
    }
}

LinuxResult<> RegionMap::reserve(std::size_t additional) {
    auto wanted = count_ + additional;
    if (wanted <= slots_.size()) [[likely]]
        return {};
    if (wanted > region_limit)
        return fail(Errno::enomem);
    auto capacity = std::min(std::max(wanted, slots_.size() + slots_.size() / 2 + 8), region_limit);
    std::unique_ptr<Region[]> larger(new (std::nothrow) Region[capacity]);
    if (larger == nullptr)
        return fail(Errno::enomem);
#pragma clang unsafe_buffer_usage begin  // the allocation above
    std::span<Region> target(larger.get(), capacity);
#pragma clang unsafe_buffer_usage end
    std::ranges::move(slots_.first(count_), target.begin());
    storage_ = std::move(larger);
    slots_ = target;
    return {};
}

namespace {

// A region may be moved as bytes: it does not know where it lies. What is left at the old place is no object any more.
void relocate(Region& from, Region& to) {
    __builtin_memcpy(static_cast<void*>(&to), &from, sizeof(Region));
}

}  // namespace

// Makes room at `index`: what is there is to be constructed.
Region* RegionMap::open_at(std::size_t index) {
    auto const slots = slots_.first(count_ + 1);
    for (auto above = count_++; above > index; --above)
        relocate(slots[above - 1], slots[above]);
    return &slots[index];
}

void RegionMap::erase_at(std::size_t first, std::size_t last) {
    auto const slots = slots_.first(count_);
    std::ranges::destroy(slots.subspan(first, last - first));
    for (; last < slots.size(); ++first, ++last)
        relocate(slots[last], slots[first]);
    count_ = first;
    for (; first < last; ++first)
        std::construct_at(&slots[first]);
}

namespace {

// Whether `upper` could be part of the same region.
bool continues(Region const& lower, Region const& upper) {
    return lower.end == upper.start && lower.access == upper.access && lower.access_limit == upper.access_limit &&
           lower.is_shared == upper.is_shared && lower.is_inherited == upper.is_inherited && lower.kind == upper.kind &&
           lower.backing.get() == upper.backing.get() &&
           (lower.backing.get() == nullptr || lower.offset + lower.length() == upper.offset);
}

void cut_below(Region& region, std::uint64_t start) {
    region.offset += start - region.start;
    region.start = start;
}

}  // namespace

void RegionMap::split_at(std::size_t index, std::uint64_t address) {
    if (index >= count_ || slots_[index].start >= address || slots_[index].end <= address)
        return;
    auto& upper = *std::construct_at(open_at(index + 1), slots_[index]);
    cut_below(upper, address);
    slots_[index].end = address;
}

void RegionMap::join_around(std::size_t first, std::size_t last) {
    auto const slots = slots_;
    auto const end = std::min(last + 1, count_);
    auto kept = first == 0 ? 0 : first - 1;  // the last one that stays
    for (auto index = kept + 1; index < end; ++index) {
        if (continues(slots[kept], slots[index]))
            slots[kept].end = slots[index].end;
        else if (++kept != index)
            slots[kept] = std::move(slots[index]);
    }
    if (kept + 1 < end)
        erase_at(kept + 1, end);
}

void RegionMap::insert(Region&& region) {
    auto index = index_above(region.start);
    auto const slots = slots_;
    if (index < count_ && slots[index].start < region.end) [[unlikely]] {
        remove(region.start, region.end);
        index = index_above(region.start);
    }
    total_ += region.length();
    if (index > 0 && continues(slots[index - 1], region)) {
        slots[index - 1].end = region.end;
        if (index < count_ && continues(slots[index - 1], slots[index])) {
            slots[index - 1].end = slots[index].end;
            erase_at(index, index + 1);
        }
    } else if (index < count_ && continues(region, slots[index])) {
        slots[index].start = region.start;
        slots[index].offset = region.offset;
    } else {
        std::construct_at(open_at(index), std::move(region));
    }
}

void RegionMap::remove(std::uint64_t start, std::uint64_t end) {
    auto first = index_above(start);
    auto const slots = slots_;
    if (first == count_ || slots[first].start >= end)
        return;
    if (end > full_start_)
        full_start_ = std::min(end, full_end_);
    if (slots[first].start < start) {
        if (slots[first].end > end)
            split_at(first, end);
        total_ -= slots[first].end - start;
        slots[first].end = start;
        ++first;
    }
    auto last = first;
    for (; last < count_ && slots[last].end <= end; ++last)
        total_ -= slots[last].length();
    if (last < count_ && slots[last].start < end) {
        total_ -= end - slots[last].start;
        cut_below(slots[last], end);
    }
    if (last != first)
        erase_at(first, last);
}

template <typename Change>
void RegionMap::change(std::uint64_t start, std::uint64_t end, Change apply) {
    auto first = index_above(start);
    if (first < count_ && slots_[first].start < start) {
        split_at(first, start);
        ++first;
    }
    auto last = first;
    for (; last < count_ && slots_[last].start < end; ++last) {
        split_at(last, end);
        apply(slots_[last]);
    }
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
    full_start_ = full_end_ = 0;
    LTRY(reserve(other.count_));
    std::ranges::copy(other.regions(), slots_.begin());
    count_ = other.count_;
    total_ = other.total_;
    return {};
}

}  // namespace astrata::linux_abi
