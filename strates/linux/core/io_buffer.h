// Where read() puts bytes and write() takes them from: a program's buffers (one or several, from readv and friends) or
// our own memory. Files see only this, so each is written once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "abi/message.h"
#include "lib/base/bytes.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"

namespace astrata::linux_abi {

/// struct iovec of Linux.
struct GuestSegment {
    GuestAddress base;
    std::uint64_t length = 0;
};

/// UIO_MAXIOV.
inline constexpr std::size_t segment_limit = 1024;
/// No transfer is longer (MAX_RW_COUNT): the result must fit an int.
inline constexpr std::uint64_t transfer_limit = 0x7fff'f000;

/// A cursor over the memory of one transfer. Borrowed for one call; copying it copies the cursor only.
class IoBuffer {
public:
    /// One program buffer. Longer than transfer_limit is cut.
    static IoBuffer from_guest(GuestAddress base, std::uint64_t length) {
        IoBuffer buffer(Kind::guest, length < transfer_limit ? length : transfer_limit);
        buffer.base_ = base;
        return buffer;
    }
    /// Program buffers that the caller has read and validated with `validate_segments`; they stay where they are.
    static IoBuffer from_segments(std::span<GuestSegment const> segments, std::uint64_t total);
    /// Our own memory, for the personality's own reads (exec) and writes.
    static IoBuffer from_memory(MutableBytes memory);
    static IoBuffer from_constant_memory(Bytes memory);

    /// Bytes not yet transferred.
    [[nodiscard]] std::uint64_t remaining() const { return remaining_; }
    [[nodiscard]] bool is_done() const { return remaining_ == 0; }
    /// Leaves at most `limit` to be transferred.
    void cut(std::uint64_t limit) { remaining_ = remaining_ < limit ? remaining_ : limit; }
    /// Bytes transferred so far.
    [[nodiscard]] std::uint64_t transferred() const { return transferred_; }

    /// Copies into the buffer, for read(): min(from.size(), remaining()) bytes, fewer at an inaccessible page.
    /// errors    efault (not one byte could be copied)
    [[nodiscard]] LinuxResult<std::size_t> copy_out(Bytes from) {
        if (!is_one_guest_piece()) [[unlikely]]
            return copy_out_pieces(from);
        auto const count = from.size() < remaining_ ? from.size() : remaining_;
        return moved(copy_some_to_guest(base_ + transferred_, from.first(count)), count);
    }
    /// Copies from the buffer, for write().
    [[nodiscard]] LinuxResult<std::size_t> copy_in(MutableBytes into) {
        if (!is_one_guest_piece()) [[unlikely]]
            return copy_in_pieces(into);
        auto const count = into.size() < remaining_ ? into.size() : remaining_;
        return moved(copy_some_from_guest(into.first(count), base_ + transferred_), count);
    }
    /// Zeroes up to `count` bytes of the buffer, for read() of holes and /dev/zero.
    [[nodiscard]] LinuxResult<std::size_t> zero_out(std::uint64_t count) {
        if (!is_one_guest_piece()) [[unlikely]]
            return zero_out_pieces(count);
        count = count < remaining_ ? count : remaining_;
        LTRY(zero_guest(base_ + transferred_, count));
        return moved(count, 0);
    }
    /// read() of cached file contents: memory_object_read straight into the program's memory, without a copy of ours.
    /// errors    efault, eio, enomem, eintr
    [[nodiscard]] LinuxResult<std::size_t> transfer_from_object(abi::Handle object, std::uint64_t offset,
                                                                std::uint64_t count);
    /// write() to file contents: memory_object_write straight from the program's memory.
    [[nodiscard]] LinuxResult<std::size_t> transfer_to_object(abi::Handle object, std::uint64_t offset,
                                                              std::uint64_t count);

    /// The part that lies in one piece next: at most `limit` bytes. For callers that move bytes by other means;
    /// `advance` says how much they moved.
    struct Piece {
        GuestAddress guest;  ///< valid when `memory` is empty
        MutableBytes memory;
        std::uint64_t length = 0;
        bool is_guest = false;
    };
    [[nodiscard]] Piece next_piece(std::uint64_t limit) const;
    void advance(std::uint64_t count);

private:
    // Nearly every transfer: the whole buffer is one piece of the program's memory.
    [[nodiscard]] bool is_one_guest_piece() const { return kind_ == Kind::guest; }
    [[nodiscard]] LinuxResult<std::size_t> copy_out_pieces(Bytes from);
    [[nodiscard]] LinuxResult<std::size_t> copy_in_pieces(MutableBytes into);
    [[nodiscard]] LinuxResult<std::size_t> zero_out_pieces(std::uint64_t count);
    [[nodiscard]] LinuxResult<std::size_t> moved(std::size_t copied, std::size_t wanted) {
        remaining_ -= copied;
        transferred_ += copied;
        if (copied == 0 && wanted != 0) [[unlikely]]
            return fail(Errno::efault);
        return copied;
    }

    // Where the bytes are. Only what this kind needs is ever set.
    enum class Kind : std::uint8_t { guest, segments, memory };
    struct Segments {
        std::span<GuestSegment const> all;
        std::size_t index;
        std::uint64_t offset;  // in the one at `index`
    };
    IoBuffer(Kind kind, std::uint64_t length) : remaining_(length), kind_(kind) {}

    union {
        GuestAddress base_;
        Segments segments_;
        MutableBytes memory_;
    };
    std::uint64_t remaining_;
    std::uint64_t transferred_ = 0;
    Kind kind_;
};

/// The segments of readv/writev/preadv..., held by the handler while the IoBuffer borrows them: a few inline, more on
/// the heap.
class SegmentList {
public:
    SegmentList() = default;
    SegmentList(SegmentList const&) = delete;
    SegmentList& operator=(SegmentList const&) = delete;
    ~SegmentList();

    /// Reads `count` iovecs at `address`.
    /// errors    einval (count above segment_limit, a total that overflows), efault, enomem
    [[nodiscard]] LinuxResult<> read(GuestAddress address, std::uint64_t count);
    [[nodiscard]] IoBuffer buffer() const;
    [[nodiscard]] std::span<GuestSegment const> segments() const { return segments_; }

private:
    std::array<GuestSegment, 8> inline_;
    GuestSegment* heap_ = nullptr;
    std::span<GuestSegment const> segments_;
    std::uint64_t total_ = 0;
};

}  // namespace astrata::linux_abi
