// A split virtqueue, driver side (virtio 1.2 section 2.7).
//
//     driver writes                                device writes
//     descriptor table   available ring            used ring
//     [addr len flags]   [.. head head head ->]    [.. (head, length) ->]
//
// A request is a chain of segments, first those that the device reads, then those that it writes. With indirect
// descriptors the whole chain lies in a table of its own and takes one place in the queue.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::virtio {

inline constexpr std::uint16_t queue_size_limit = 256;  // entries that we use at most, whatever the device offers
inline constexpr std::uint16_t indirect_entries = 8;    // segments of one indirect request

/// Part of a request's data, as the device addresses it.
struct Segment {
    std::uint64_t device_address = 0;
    std::uint32_t length = 0;
};

/// What a queue can use, from the negotiated features.
struct QueueOptions {
    bool has_indirect = false;
    bool has_event_index = false;
};

/// Where the parts of a queue lie in its memory, in bytes.
struct QueueLayout {
    std::uint16_t size = 0;
    std::size_t available = 0;
    std::size_t used = 0;
    std::size_t indirect = 0;  ///< `size` tables of indirect_entries each
    std::size_t bytes = 0;

    /// size      a power of two, at most queue_size_limit
    [[nodiscard]] static constexpr QueueLayout of(std::uint16_t size, QueueOptions options) {
        QueueLayout layout{.size = size};
        layout.available = std::size_t{16} * size;
        layout.used = align_up(layout.available + 6 + 2u * size, 4);
        layout.indirect = align_up(layout.used + 6 + 8u * size, 16);
        layout.bytes = layout.indirect + (options.has_indirect ? std::size_t{16} * indirect_entries * size : 0);
        return layout;
    }
};

/// Device addresses of the three parts, for the transport.
struct QueueAddresses {
    std::uint64_t descriptors = 0;
    std::uint64_t available = 0;
    std::uint64_t used = 0;
};

/// A request that the device has finished.
struct Completed {
    std::uint64_t token = 0;    ///< as given to add()
    std::uint32_t written = 0;  ///< bytes that the device wrote, never more than the writable segments hold
};

class SplitQueue {
public:
    /// memory          zeroed, shared with the device, at least QueueLayout::of(size, options).bytes, 16-byte aligned;
    /// borrowed device_address  of its first byte errors          invalid_argument (size no power of two or above the
    /// limit, misaligned), out_of_range (memory too small)
    [[nodiscard]] static Result<SplitQueue> create(MutableBytes memory, std::uint64_t device_address,
                                                   std::uint16_t size, QueueOptions options);

    [[nodiscard]] QueueAddresses addresses() const;
    [[nodiscard]] std::uint16_t size() const { return layout_.size; }
    [[nodiscard]] bool is_broken() const { return is_broken_; }
    /// Requests that the device has and has not finished.
    [[nodiscard]] std::uint16_t in_flight() const { return in_flight_; }

    /// Queues a request; the device sees it after publish(). The segments' memory belongs to the device until the
    /// request comes back from take(). errors    would_block (no descriptor free), invalid_argument (no segment, or
    /// more than fit), io (queue broken)
    [[nodiscard]] Result<> add(std::span<Segment const> readable, std::span<Segment const> writable,
                               std::uint64_t token);

    /// Shows the device everything added. True if it wants to be notified of it.
    [[nodiscard]] bool publish();

    /// The next finished request, if there is one.
    /// errors    io (the device broke the rules; the queue is unusable until the device is reset)
    [[nodiscard]] Result<std::optional<Completed>> take();

    /// Asks for an interrupt at the next completion. True if one has happened already: take() it, and ask again.
    [[nodiscard]] bool enable_interrupts();
    /// Advises the device not to interrupt; it may still do so.
    void disable_interrupts();

private:
    SplitQueue() = default;

    // Our own record of each descriptor; what lies in shared memory is never read back.
    struct Slot {
        std::uint64_t token = 0;
        std::uint32_t writable_bytes = 0;
        std::uint16_t next = 0;          // in the free list, or in the chain
        std::uint16_t chain_length = 0;  // of a chain that the device has, at its head; else 0
    };

    void write_descriptor(std::size_t offset, Segment segment, std::uint16_t flags, std::uint16_t next);
    void write_chain(std::uint16_t head, std::span<Segment const> readable, std::span<Segment const> writable);
    void write_indirect(std::uint16_t head, std::span<Segment const> readable, std::span<Segment const> writable);
    void release_chain(std::uint16_t head);
    [[nodiscard]] std::atomic_ref<std::uint16_t> half(std::size_t offset) const;
    [[nodiscard]] std::atomic_ref<std::uint32_t> word(std::size_t offset) const;
    [[nodiscard]] bool has_used() const;

    MutableBytes memory_;
    std::uint64_t device_address_ = 0;
    QueueLayout layout_;
    QueueOptions options_;
    std::array<Slot, queue_size_limit> slots_{};
    std::uint16_t first_free_ = 0;
    std::uint16_t free_count_ = 0;
    std::uint16_t in_flight_ = 0;
    std::uint16_t added_ = 0;  // available index including what is not published
    std::uint16_t published_ = 0;
    std::uint16_t taken_ = 0;  // used index up to which we have taken
    bool is_broken_ = false;
};

}  // namespace astrata::virtio
