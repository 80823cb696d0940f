// The device's side of a split virtqueue over ordinary memory, for host tests: reads chains, writes results, and can be
// told to misbehave. Host only.
#pragma once

#include <atomic>
#include <cstring>
#include <vector>

#include "lib/virtio/queue.h"

namespace astrata::virtio {

/// Memory that driver and device share, at made-up device addresses.
class SharedMemory {
public:
    static constexpr std::uint64_t base = 0x4000'0000;

    explicit SharedMemory(std::size_t size) : words_((size + 15) / 8) {}
    MutableBytes bytes() {
        auto const all = std::as_writable_bytes(std::span(words_));
        auto const shift = (16 - reinterpret_cast<std::uintptr_t>(all.data()) % 16) % 16;
        return all.subspan(shift, all.size() - 8);
    }
    MutableBytes at(std::uint64_t device_address, std::size_t length) {
        return bytes().subspan(device_address - base, length);
    }

private:
    std::vector<std::uint64_t> words_;
};

class SimulatedQueue {
public:
    struct Chain {
        std::uint16_t head = 0;
        std::vector<Segment> readable;
        std::vector<Segment> writable;
    };

    SimulatedQueue(SharedMemory& memory, QueueAddresses addresses, std::uint16_t size)
        : memory_(memory), addresses_(addresses), size_(size) {}

    /// The next request of the driver, if there is one.
    std::optional<Chain> next() {
        if (half(addresses_.available + 2).load(std::memory_order_acquire) == seen_)
            return std::nullopt;
        Chain chain;
        chain.head = half(addresses_.available + 4 + 2u * (seen_ % size_)).load();
        ++seen_;
        auto table = addresses_.descriptors;
        std::uint16_t index = chain.head;
        for (;;) {
            auto const bytes = memory_.at(table + 16u * index, 16);
            Segment const segment{load<std::uint64_t>(bytes, 0).value(), load<std::uint32_t>(bytes, 8).value()};
            auto const flags = load<std::uint16_t>(bytes, 12).value();
            if ((flags & 4) != 0) {
                table = segment.device_address;
                index = 0;
                continue;
            }
            ((flags & 2) != 0 ? chain.writable : chain.readable).push_back(segment);
            if ((flags & 1) == 0)
                return chain;
            index = load<std::uint16_t>(bytes, 14).value();
        }
    }

    /// Completes a request. True if the driver wants an interrupt.
    bool complete(std::uint32_t head, std::uint32_t written, bool has_event_index = false) {
        auto const entry = addresses_.used + 4 + 8u * (used_ % size_);
        word(entry).store(head);
        word(entry + 4).store(written);
        ++used_;
        half(addresses_.used + 2).store(used_, std::memory_order_release);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!has_event_index)
            return (half(addresses_.available).load() & 1) == 0;
        auto const event = half(addresses_.available + 4 + 2u * size_).load();
        return static_cast<std::uint16_t>(used_ - event - 1) < 1;
    }

    /// Asks to be notified at the next request (event index), or not at all (flags).
    void set_available_event(std::uint16_t value) { half(addresses_.used + 4 + 8u * size_).store(value); }
    void set_no_notify(bool value) { half(addresses_.used).store(value ? 1 : 0); }
    void set_used_index(std::uint16_t value) { half(addresses_.used + 2).store(value); }
    [[nodiscard]] std::uint16_t seen() const { return seen_; }

private:
    std::atomic_ref<std::uint16_t> half(std::uint64_t address) {
        return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(&memory_.at(address, 2).front()));
    }
    std::atomic_ref<std::uint32_t> word(std::uint64_t address) {
        return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(&memory_.at(address, 4).front()));
    }

    SharedMemory& memory_;
    QueueAddresses addresses_;
    std::uint16_t size_;
    std::uint16_t seen_ = 0;
    std::uint16_t used_ = 0;
};

}  // namespace astrata::virtio
