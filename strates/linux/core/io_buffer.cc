#include "strates/linux/core/io_buffer.h"

#include <algorithm>
#include <new>

#include "abi/system_calls.h"

namespace astrata::linux_abi {

IoBuffer IoBuffer::from_segments(std::span<GuestSegment const> segments, std::uint64_t total) {
    IoBuffer buffer(Kind::segments, std::min(total, transfer_limit));
    buffer.segments_ = {.all = segments, .index = 0, .offset = 0};
    return buffer;
}

IoBuffer IoBuffer::from_memory(MutableBytes memory) {
    IoBuffer buffer(Kind::memory, memory.size());
    buffer.memory_ = memory;
    return buffer;
}

IoBuffer IoBuffer::from_constant_memory(Bytes memory) {
#pragma clang unsafe_buffer_usage begin  // same extent; write() only takes bytes from a buffer, never puts any there
    return from_memory({const_cast<std::byte*>(memory.data()), memory.size()});
#pragma clang unsafe_buffer_usage end
}

IoBuffer::Piece IoBuffer::next_piece(std::uint64_t limit) const {
    limit = std::min(limit, remaining_);
    if (kind_ == Kind::memory)
        return {.memory = memory_.subspan(transferred_, limit), .length = limit};
    if (kind_ == Kind::guest)
        return {.guest = base_ + transferred_, .length = limit, .is_guest = true};
    if (limit == 0)
        return {.is_guest = true};
    auto const& segment = segments_.all[segments_.index];
    return {.guest = segment.base + segments_.offset,
            .length = std::min(limit, segment.length - segments_.offset),
            .is_guest = true};
}

void IoBuffer::advance(std::uint64_t count) {
    remaining_ -= count;
    transferred_ += count;
    if (kind_ != Kind::segments)
        return;
    auto& [all, index, offset] = segments_;
    offset += count;
    // Empty segments are stepped over here, so that next_piece never sees one.
    while (index < all.size() && offset >= all[index].length) {
        offset -= all[index].length;
        ++index;
    }
}

LinuxResult<std::size_t> IoBuffer::copy_out_pieces(Bytes from) {
    std::size_t done = 0;
    while (done < from.size() && remaining_ != 0) {
        auto piece = next_piece(from.size() - done);
        auto source = from.subspan(done, piece.length);
        std::size_t copied = piece.length;
        if (piece.is_guest)
            copied = copy_some_to_guest(piece.guest, source);
        else
            std::ranges::copy(source, piece.memory.begin());
        advance(copied);
        done += copied;
        if (copied < piece.length)
            return done == 0 ? LinuxResult<std::size_t>(fail(Errno::efault)) : done;
    }
    return done;
}

LinuxResult<std::size_t> IoBuffer::copy_in_pieces(MutableBytes into) {
    std::size_t done = 0;
    while (done < into.size() && remaining_ != 0) {
        auto piece = next_piece(into.size() - done);
        auto destination = into.subspan(done, piece.length);
        std::size_t copied = piece.length;
        if (piece.is_guest)
            copied = copy_some_from_guest(destination, piece.guest);
        else
            std::ranges::copy(piece.memory, destination.begin());
        advance(copied);
        done += copied;
        if (copied < piece.length)
            return done == 0 ? LinuxResult<std::size_t>(fail(Errno::efault)) : done;
    }
    return done;
}

LinuxResult<std::size_t> IoBuffer::zero_out_pieces(std::uint64_t count) {
    std::size_t done = 0;
    while (done < count && remaining_ != 0) {
        auto piece = next_piece(count - done);
        if (piece.is_guest) {
            if (auto zeroed = zero_guest(piece.guest, piece.length); !zeroed.has_value())
                return done == 0 ? LinuxResult<std::size_t>(fail(zeroed.error())) : done;
        } else {
            std::ranges::fill(piece.memory, std::byte{0});
        }
        advance(piece.length);
        done += piece.length;
    }
    return done;
}

LinuxResult<std::size_t> IoBuffer::transfer_from_object(abi::Handle object, std::uint64_t offset, std::uint64_t count) {
    if (is_one_guest_piece() && count != 0) [[likely]] {
        auto const at = base_ + transferred_;
        auto const target = LTRY(guest_span(at, std::min(count, remaining_)));
        auto const copied = sys::memory_object_read(object, offset, target);
        if (!copied.has_value()) [[unlikely]] {
            if (copied.error() == Error::bad_address)
                note_unreachable(at, target.size(), true);
            return fail(to_errno(copied.error()));
        }
        return moved(*copied, 0);
    }
    std::size_t done = 0;
    while (done < count && remaining_ != 0) {
        auto piece = next_piece(count - done);
        auto target = piece.is_guest ? guest_span(piece.guest, piece.length) : LinuxResult<MutableBytes>(piece.memory);
        auto copied = target.has_value() ? to_linux(sys::memory_object_read(object, offset + done, *target))
                                         : LinuxResult<std::uint64_t>(fail(target.error()));
        if (!copied.has_value())
            return done == 0 ? LinuxResult<std::size_t>(fail(copied.error())) : done;
        advance(*copied);
        done += *copied;
        if (*copied < piece.length)
            break;  // the object's end
    }
    return done;
}

LinuxResult<std::size_t> IoBuffer::transfer_to_object(abi::Handle object, std::uint64_t offset, std::uint64_t count) {
    std::size_t done = 0;
    while (done < count && remaining_ != 0) {
        auto piece = next_piece(count - done);
        auto source = piece.is_guest ? guest_span(piece.guest, piece.length) : LinuxResult<MutableBytes>(piece.memory);
        auto copied = source.has_value() ? to_linux(sys::memory_object_write(object, offset + done, *source))
                                         : LinuxResult<std::uint64_t>(fail(source.error()));
        if (!copied.has_value()) {
            if (piece.is_guest && copied.error() == Errno::efault)
                note_unreachable(piece.guest, piece.length, false);
            return done == 0 ? LinuxResult<std::size_t>(fail(copied.error())) : done;
        }
        advance(*copied);
        done += *copied;
        if (*copied < piece.length)
            break;
    }
    return done;
}

SegmentList::~SegmentList() {
    delete[] heap_;
}

LinuxResult<> SegmentList::read(GuestAddress address, std::uint64_t count) {
    if (count > segment_limit)
        return fail(Errno::einval);
    std::span<GuestSegment> room = std::span(inline_).first(std::min(count, inline_.size()));
    if (count > inline_.size()) {
        heap_ = new (std::nothrow) GuestSegment[count];
        if (heap_ == nullptr)
            return fail(Errno::enomem);
#pragma clang unsafe_buffer_usage begin  // the allocation of the line above
        room = std::span(heap_, count);
#pragma clang unsafe_buffer_usage end
    }
    LTRY(copy_from_guest(std::as_writable_bytes(room), address));
    // Empty segments are dropped: a cursor is then never at one.
    std::size_t kept = 0;
    for (auto const& segment : room) {
        if (segment.length > ~std::uint64_t{0} >> 1)
            return fail(Errno::einval);
        total_ += segment.length;
        if (total_ > ~std::uint64_t{0} >> 1)
            return fail(Errno::einval);
        if (segment.length != 0)
            room[kept++] = segment;
    }
    segments_ = room.first(kept);
    return {};
}

IoBuffer SegmentList::buffer() const {
    return segments_.empty() ? IoBuffer::from_guest({}, 0) : IoBuffer::from_segments(segments_, total_);
}

}  // namespace astrata::linux_abi
