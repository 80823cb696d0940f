// The buddy system (Knowlton, 1965): free blocks of 2^n frames, aligned to their size, in one list for each n; a block
// that is freed merges with its buddy, the other half of the next larger block, as long as that is free too.
//
// Memory below 4 GiB forms a zone of its own, which is used last, so that devices with 32-bit addresses find some.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "kernel/mem/frames.h"

namespace astrata::kernel::mem {

using FrameNumber = std::uint32_t;          // enough for 16 TiB
inline constexpr FrameNumber no_frame = 0;  // frame 0 is in the first MiB, which is never allocated
inline constexpr FrameNumber low_zone_end = (std::uint64_t{4} << 30) / page_size;

// Of a free block, in its first frame.
struct Links {
    FrameNumber previous;
    FrameNumber next;
};

inline Links links_of(Frame const& frame) {
    return std::bit_cast<Links>(frame.word.load(std::memory_order_relaxed));
}
inline void set_links(Frame& frame, Links links) {
    frame.word.store(std::bit_cast<std::uint64_t>(links), std::memory_order_relaxed);
}
inline Frame& frame_at(FrameNumber number) {
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

// Not locked: whoever has it guards it.
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
        return number != no_frame ? number : take(low, order);
    }

    [[gnu::always_inline]] void give(FrameNumber number, unsigned order) {
        auto& zone = zone_of(number);
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

}  // namespace astrata::kernel::mem
