#include "lib/virtio/queue.h"

#include <algorithm>
#include <bit>

namespace astrata::virtio {

namespace {

constexpr std::uint16_t descriptor_next = 1, descriptor_write = 2, descriptor_indirect = 4;
constexpr std::size_t descriptor_bytes = 16, used_entry_bytes = 8;
constexpr std::uint16_t no_interrupt = 1, no_notify = 1;  // in the flags of the available and the used ring

// Both rings begin with flags and index.
constexpr std::size_t ring_flags = 0, ring_index = 2, ring_entries = 4;

}  // namespace

Result<SplitQueue> SplitQueue::create(MutableBytes memory, std::uint64_t device_address, std::uint16_t size,
                                      QueueOptions options) {
    if (!std::has_single_bit(size) || size > queue_size_limit || !is_aligned(device_address, 16) ||
        !is_aligned(std::bit_cast<std::uintptr_t>(memory.data()), 16))
        return fail(Error::invalid_argument);
    SplitQueue queue;
    queue.layout_ = QueueLayout::of(size, options);
    if (memory.size() < queue.layout_.bytes)
        return fail(Error::out_of_range);
    queue.memory_ = memory.first(queue.layout_.bytes);
    queue.device_address_ = device_address;
    queue.options_ = options;
    queue.free_count_ = size;
    for (std::uint16_t index = 0; index < size; ++index)
        queue.slots_[index].next = static_cast<std::uint16_t>(index + 1);
    return queue;
}

QueueAddresses SplitQueue::addresses() const {
    return {.descriptors = device_address_,
            .available = device_address_ + layout_.available,
            .used = device_address_ + layout_.used};
}

std::atomic_ref<std::uint16_t> SplitQueue::half(std::size_t offset) const {
    auto const bytes = memory_.subspan(offset, 2);
#pragma clang unsafe_buffer_usage begin  // bounds were checked, offsets are even by layout
    return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(bytes.data()));
#pragma clang unsafe_buffer_usage end
}

std::atomic_ref<std::uint32_t> SplitQueue::word(std::size_t offset) const {
    auto const bytes = memory_.subspan(offset, 4);
#pragma clang unsafe_buffer_usage begin  // bounds were checked, offsets are multiples of 4 by layout
    return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(bytes.data()));
#pragma clang unsafe_buffer_usage end
}

void SplitQueue::write_descriptor(std::size_t offset, Segment segment, std::uint16_t flags, std::uint16_t next) {
    struct Descriptor {
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t flags;
        std::uint16_t next;
    };
    static_assert(sizeof(Descriptor) == descriptor_bytes);
    // The offset lies inside by construction, so the store cannot fail.
    (void)store(memory_, offset, Descriptor{segment.device_address, segment.length, flags, next});
}

void SplitQueue::write_chain(std::uint16_t head, std::span<Segment const> readable, std::span<Segment const> writable) {
    auto const count = readable.size() + writable.size();
    auto slot = head;
    for (std::size_t index = 0; index < count; ++index) {
        bool const is_writable = index >= readable.size();
        auto const& segment = is_writable ? writable[index - readable.size()] : readable[index];
        bool const is_last = index + 1 == count;
        auto const flags =
            static_cast<std::uint16_t>((is_writable ? descriptor_write : 0) | (is_last ? 0 : descriptor_next));
        auto const next = slots_[slot].next;
        write_descriptor(descriptor_bytes * slot, segment, flags, is_last ? std::uint16_t{0} : next);
        if (is_last)
            first_free_ = next;
        slot = next;
    }
    free_count_ = static_cast<std::uint16_t>(free_count_ - count);
    slots_[head].chain_length = static_cast<std::uint16_t>(count);
}

void SplitQueue::write_indirect(std::uint16_t head, std::span<Segment const> readable,
                                std::span<Segment const> writable) {
    auto const count = readable.size() + writable.size();
    auto const table = layout_.indirect + descriptor_bytes * indirect_entries * head;
    for (std::size_t index = 0; index < count; ++index) {
        bool const is_writable = index >= readable.size();
        auto const& segment = is_writable ? writable[index - readable.size()] : readable[index];
        bool const is_last = index + 1 == count;
        auto const flags =
            static_cast<std::uint16_t>((is_writable ? descriptor_write : 0) | (is_last ? 0 : descriptor_next));
        write_descriptor(table + descriptor_bytes * index, segment, flags,
                         is_last ? std::uint16_t{0} : static_cast<std::uint16_t>(index + 1));
    }
    Segment const whole{.device_address = device_address_ + table,
                        .length = static_cast<std::uint32_t>(descriptor_bytes * count)};
    write_descriptor(descriptor_bytes * head, whole, descriptor_indirect, 0);
    first_free_ = slots_[head].next;
    --free_count_;
    slots_[head].chain_length = 1;
}

Result<> SplitQueue::add(std::span<Segment const> readable, std::span<Segment const> writable, std::uint64_t token) {
    if (is_broken_)
        return fail(Error::io);
    auto const count = readable.size() + writable.size();
    if (count == 0 || count > layout_.size)
        return fail(Error::invalid_argument);
    bool const is_indirect = options_.has_indirect && count > 1 && count <= indirect_entries;
    if (free_count_ < (is_indirect ? 1 : count))
        return fail(Error::would_block);
    auto const head = first_free_;
    if (is_indirect)
        write_indirect(head, readable, writable);
    else
        write_chain(head, readable, writable);
    std::uint64_t writable_bytes = 0;
    for (auto const& segment : writable)
        writable_bytes += segment.length;
    auto& slot = slots_[head];
    slot.token = token;
    slot.writable_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(writable_bytes, 0xffff'ffff));
    auto const place = added_ & (layout_.size - 1u);
    half(layout_.available + ring_entries + 2 * place).store(head, std::memory_order_relaxed);
    ++added_;
    ++in_flight_;
    return {};
}

bool SplitQueue::publish() {
    auto const before = published_;
    if (added_ == before || is_broken_)
        return false;
    published_ = added_;
    // Descriptors and ring entries first, then the index that shows them (section 2.7.13).
    half(layout_.available + ring_index).store(published_, std::memory_order_release);
    // The index must be visible before we look whether the device sleeps, or both sides could wait for each other.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!options_.has_event_index)
        return (half(layout_.used + ring_flags).load(std::memory_order_relaxed) & no_notify) == 0;
    auto const event =
        half(layout_.used + ring_entries + used_entry_bytes * layout_.size).load(std::memory_order_relaxed);
    // Did the index pass `event` in this step? Section 2.7.10.1, modulo 2^16.
    return static_cast<std::uint16_t>(published_ - event - 1) < static_cast<std::uint16_t>(published_ - before);
}

bool SplitQueue::has_used() const {
    return half(layout_.used + ring_index).load(std::memory_order_acquire) != taken_;
}

Result<std::optional<Completed>> SplitQueue::take() {
    if (is_broken_)
        return fail(Error::io);
    auto const index = half(layout_.used + ring_index).load(std::memory_order_acquire);
    auto const waiting = static_cast<std::uint16_t>(index - taken_);
    if (waiting == 0)
        return std::nullopt;
    auto const entry = layout_.used + ring_entries + used_entry_bytes * (taken_ & (layout_.size - 1u));
    auto const id = word(entry).load(std::memory_order_relaxed);
    auto const written = word(entry + 4).load(std::memory_order_relaxed);
    // The device can finish only what it has, once, and write only where it may.
    if (waiting > in_flight_ || id >= layout_.size || slots_[id].chain_length == 0 ||
        written > slots_[id].writable_bytes) {
        is_broken_ = true;
        return fail(Error::io);
    }
    ++taken_;
    --in_flight_;
    auto const head = static_cast<std::uint16_t>(id);
    Completed const completed{.token = slots_[head].token, .written = written};
    release_chain(head);
    return completed;
}

void SplitQueue::release_chain(std::uint16_t head) {
    auto const length = slots_[head].chain_length;
    slots_[head].chain_length = 0;
    auto last = head;
    for (std::uint16_t step = 1; step < length; ++step)
        last = slots_[last].next;
    slots_[last].next = first_free_;
    first_free_ = head;
    free_count_ = static_cast<std::uint16_t>(free_count_ + length);
}

bool SplitQueue::enable_interrupts() {
    if (options_.has_event_index)
        half(layout_.available + ring_entries + 2u * layout_.size).store(taken_, std::memory_order_relaxed);
    else
        half(layout_.available + ring_flags).store(0, std::memory_order_relaxed);
    // As in publish(): our wish must be visible before we look whether it came too late.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return has_used();
}

void SplitQueue::disable_interrupts() {
    if (options_.has_event_index)
        // Half the index space away: reached only if nobody looks for 32,768 completions.
        half(layout_.available + ring_entries + 2u * layout_.size)
            .store(static_cast<std::uint16_t>(taken_ + 0x7fff), std::memory_order_relaxed);
    else
        half(layout_.available + ring_flags).store(no_interrupt, std::memory_order_relaxed);
}

}  // namespace astrata::virtio
