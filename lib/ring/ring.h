// The two ends of a ring in shared memory.
//
// Indices. `produced` and `consumed` count all entries ever moved, modulo 2^32; their difference is what the ring
// holds. Each is written by one side only. A side keeps its own index in private memory and never reads it back; the
// other side's is read from shared memory each time it is needed and refused (Error::corrupt) when it implies more
// entries than fit.
//
// Waking. A side sleeps on a notification and is signalled only on the edge that ends its reason to sleep:
//   1. empty -> not empty   the producer pushed and finds that everything before was already taken: it signals the
//   consumer
//   2. not empty -> empty   the consumer took the last entry: it may sleep now; nobody is signalled
//   3. full -> not full     the consumer took entries and finds that the ring had been full: it signals the producer
//   4. not full -> full     the producer pushed into the last place: it may sleep now; nobody is signalled
// A side may sleep only after an attempt that moved nothing (push_batch or pop_batch returned count 0).
//
// Memory ordering. Entries are written before the index that publishes them (release) and read after it (acquire). For
// edges 1 and 3 each side stores its own index, passes a full fence, then loads the other's: of two sides doing this at
// the same time at least one sees the other's store, so either the sleeper finds the entry or the waker finds the
// sleeper. Entries are copied by relaxed atomic words: the peer may be writing them at this very moment, and what was
// checked must be what is used.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include "lib/base/bytes.h"
#include "lib/base/result.h"
#include "lib/ring/layout.h"

namespace astrata::ring {

namespace detail {

// One ring's shared memory, cut into its parts.
template <RingEntry Entry>
class SharedRing {
public:
    static constexpr std::size_t words_per_entry = sizeof(Entry) / 8;
    using Words = std::array<std::uint64_t, words_per_entry>;

    static Result<SharedRing> create(MutableBytes memory, std::uint32_t entries) {
        if (!is_valid_entry_count(entries) || !is_aligned(std::bit_cast<std::uintptr_t>(memory.data()), 8))
            return fail(Error::invalid_argument);
        if (memory.size() < ring_bytes<Entry>(entries))
            return fail(Error::out_of_range);
        SharedRing ring;
#pragma clang unsafe_buffer_usage begin  // shared bytes as integers; length and alignment were checked above
        ring.produced_ = reinterpret_cast<std::uint32_t*>(memory.subspan(produced_offset).data());
        ring.consumed_ = reinterpret_cast<std::uint32_t*>(memory.subspan(consumed_offset).data());
        auto const entry_bytes = memory.subspan(entries_offset, std::size_t{entries} * sizeof(Entry));
        ring.words_ = {reinterpret_cast<std::uint64_t*>(entry_bytes.data()), entry_bytes.size() / 8};
#pragma clang unsafe_buffer_usage end
        ring.entries_ = entries;
        return ring;
    }

    [[nodiscard]] std::atomic_ref<std::uint32_t> produced() const { return std::atomic_ref(*produced_); }
    [[nodiscard]] std::atomic_ref<std::uint32_t> consumed() const { return std::atomic_ref(*consumed_); }
    [[nodiscard]] std::uint32_t entries() const { return entries_; }

    void store_entry(std::uint32_t index, Entry const& entry) {
        auto const source = std::bit_cast<Words>(entry);
        auto const target = words_of(index);
        for (std::size_t word = 0; word < words_per_entry; ++word)
            std::atomic_ref(target[word]).store(source[word], std::memory_order_relaxed);
    }
    [[nodiscard]] Entry load_entry(std::uint32_t index) const {
        Words copy{};
        auto const source = words_of(index);
        for (std::size_t word = 0; word < words_per_entry; ++word)
            copy[word] = std::atomic_ref(source[word]).load(std::memory_order_relaxed);
        return std::bit_cast<Entry>(copy);
    }

private:
    [[nodiscard]] std::span<std::uint64_t> words_of(std::uint32_t index) const {
        return words_.subspan((index & (entries_ - 1)) * words_per_entry, words_per_entry);
    }

    std::uint32_t* produced_ = nullptr;
    std::uint32_t* consumed_ = nullptr;
    std::span<std::uint64_t> words_;
    std::uint32_t entries_ = 0;
};

}  // namespace detail

/// What a batch did.
struct Moved {
    std::uint32_t count =
        0;  ///< entries moved; 0: the ring is full (producer) or empty (consumer), sleeping is allowed
    bool must_signal = false;  ///< edge 1 or 3 was crossed: the other side may be asleep
};

/// The end that pushes. One thread at a time.
template <RingEntry Entry>
class Producer {
public:
    /// memory    shared, of at least ring_bytes<Entry>(entries), 8-byte aligned, all zero at the start; borrowed
    /// errors    invalid_argument (entries no power of two, misaligned), out_of_range (memory too small)
    [[nodiscard]] static Result<Producer> create(MutableBytes memory, std::uint32_t entries) {
        return Producer(TRY(detail::SharedRing<Entry>::create(memory, entries)));
    }

    /// How many entries can be pushed now.
    /// errors    corrupt (the consumer's index is impossible)
    [[nodiscard]] Result<std::uint32_t> free_entries() const {
        return ring_.entries() - TRY(used_entries(ring_.consumed().load(std::memory_order_acquire)));
    }

    /// Pushes as many of `entries` as fit, in order.
    /// errors    corrupt (the consumer's index is impossible; nothing was pushed, or all of it without a known edge)
    [[nodiscard]] Result<Moved> push_batch(std::span<Entry const> entries) {
        auto const room = TRY(free_entries());
        auto const count = static_cast<std::uint32_t>(std::min<std::size_t>(room, entries.size()));
        if (count == 0)
            return Moved{};
        for (std::uint32_t index = 0; index < count; ++index)
            ring_.store_entry(produced_ + index, entries[index]);
        auto const before = produced_;
        produced_ += count;
        ring_.produced().store(produced_, std::memory_order_release);
        std::atomic_thread_fence(std::memory_order_seq_cst);  // edge 1: our store before our load
        auto const consumed = ring_.consumed().load(std::memory_order_acquire);
        TRY(used_entries(consumed));
        return Moved{.count = count, .must_signal = consumed == before};
    }

    /// One entry; count 0 when the ring is full.
    [[nodiscard]] Result<Moved> push(Entry const& entry) { return push_batch(std::span(&entry, 1)); }

private:
    explicit Producer(detail::SharedRing<Entry> ring) : ring_(ring) {}

    [[nodiscard]] Result<std::uint32_t> used_entries(std::uint32_t consumed) const {
        auto const used = produced_ - consumed;
        if (used > ring_.entries())
            return fail(Error::corrupt);
        return used;
    }

    detail::SharedRing<Entry> ring_;
    std::uint32_t produced_ = 0;
};

/// The end that takes. One thread at a time.
template <RingEntry Entry>
class Consumer {
public:
    /// As Producer::create.
    [[nodiscard]] static Result<Consumer> create(MutableBytes memory, std::uint32_t entries) {
        return Consumer(TRY(detail::SharedRing<Entry>::create(memory, entries)));
    }

    /// How many entries wait.
    /// errors    corrupt (the producer's index is impossible)
    [[nodiscard]] Result<std::uint32_t> waiting_entries() const {
        auto const waiting = ring_.produced().load(std::memory_order_acquire) - consumed_;
        if (waiting > ring_.entries())
            return fail(Error::corrupt);
        return waiting;
    }

    /// Copies the oldest entries out, as many as there are and `into` holds.
    /// errors    corrupt (the producer's index is impossible; nothing was taken)
    [[nodiscard]] Result<Moved> pop_batch(std::span<Entry> into) {
        auto const waiting = TRY(waiting_entries());
        auto const count = static_cast<std::uint32_t>(std::min<std::size_t>(waiting, into.size()));
        if (count == 0)
            return Moved{};
        for (std::uint32_t index = 0; index < count; ++index)
            into[index] = ring_.load_entry(consumed_ + index);
        auto const before = consumed_;
        consumed_ += count;
        ring_.consumed().store(consumed_, std::memory_order_release);
        // Edge 3, and edge 1 for the pop_batch that follows: our store before any later load of `produced`.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        auto const produced = ring_.produced().load(std::memory_order_acquire);
        return Moved{.count = count, .must_signal = produced - before == ring_.entries()};
    }

private:
    explicit Consumer(detail::SharedRing<Entry> ring) : ring_(ring) {}

    detail::SharedRing<Entry> ring_;
    std::uint32_t consumed_ = 0;
};

}  // namespace astrata::ring
