#include "lib/ring/ring.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace astrata::ring {
namespace {

struct Entry {
    std::uint64_t value;
    std::uint64_t check;
};
constexpr Entry entry_of(std::uint64_t value) {
    return {value, ~value};
}

class Memory {
public:
    explicit Memory(std::uint32_t entries) : words_(ring_bytes<Entry>(entries) / 8) {}
    MutableBytes bytes() { return std::as_writable_bytes(std::span(words_)); }

private:
    std::vector<std::uint64_t> words_;
};

TEST(Ring, entries_come_out_in_order_and_edges_are_reported) {
    Memory memory(4);
    auto producer = Producer<Entry>::create(memory.bytes(), 4).value();
    auto consumer = Consumer<Entry>::create(memory.bytes(), 4).value();
    std::array<Entry, 8> out{};
    EXPECT_EQ(consumer.pop_batch(out)->count, 0u);

    auto const first = producer.push(entry_of(1)).value();
    EXPECT_EQ(first.count, 1u);
    EXPECT_TRUE(first.must_signal);                         // edge 1
    EXPECT_FALSE(producer.push(entry_of(2))->must_signal);  // was not empty
    std::array const more{entry_of(3), entry_of(4), entry_of(5)};
    auto const rest = producer.push_batch(more).value();
    EXPECT_EQ(rest.count, 2u);                         // only two fit
    EXPECT_EQ(producer.push(entry_of(9))->count, 0u);  // full

    auto const popped = consumer.pop_batch(std::span(out).first(3)).value();
    EXPECT_EQ(popped.count, 3u);
    EXPECT_TRUE(popped.must_signal);  // edge 3
    EXPECT_EQ(out[2].value, 3u);
    auto const last = consumer.pop_batch(out).value();
    EXPECT_EQ(last.count, 1u);
    EXPECT_FALSE(last.must_signal);  // was not full
    EXPECT_EQ(out[0].value, 4u);
}

TEST(Ring, indices_wrap) {
    Memory memory(2);
    // Both sides start from a private 0; many rounds stand in for the 2^32 that would take too long, the arithmetic is
    // the same.
    auto producer = Producer<Entry>::create(memory.bytes(), 2).value();
    auto consumer = Consumer<Entry>::create(memory.bytes(), 2).value();
    for (std::uint64_t round = 0; round < 100'000; ++round) {
        ASSERT_EQ(producer.push(entry_of(round))->count, 1u);
        std::array<Entry, 1> out{};
        ASSERT_EQ(consumer.pop_batch(out)->count, 1u);
        ASSERT_EQ(out[0].value, round);
    }
}

TEST(Ring, bad_set_up_is_refused) {
    Memory memory(4);
    EXPECT_EQ(Producer<Entry>::create(memory.bytes(), 3).error(), Error::invalid_argument);
    EXPECT_EQ(Producer<Entry>::create(memory.bytes(), 0).error(), Error::invalid_argument);
    EXPECT_EQ(Producer<Entry>::create(memory.bytes(), 8).error(), Error::out_of_range);
    EXPECT_EQ(Consumer<Entry>::create(memory.bytes().subspan(1), 2).error(), Error::invalid_argument);
}

TEST(Ring, a_session_has_two_rings_that_do_not_overlap) {
    constexpr SessionLayout<Entry> layout{64};
    static_assert(layout.completions_offset() >= entries_offset + 64 * sizeof(Entry));
    static_assert(layout.bytes() >= layout.completions_offset() + ring_bytes<Entry>(64));
    static_assert(layout.bytes() % page_size == 0);
}

TEST(Ring, a_hostile_index_is_refused_and_touches_nothing) {
    Memory memory(4);
    auto producer = Producer<Entry>::create(memory.bytes(), 4).value();
    auto consumer = Consumer<Entry>::create(memory.bytes(), 4).value();
    ASSERT_TRUE(store(memory.bytes(), produced_offset, std::uint32_t{5}));
    std::array<Entry, 8> out{};
    EXPECT_EQ(consumer.pop_batch(out).error(), Error::corrupt);
    EXPECT_EQ(consumer.waiting_entries().error(), Error::corrupt);
    ASSERT_TRUE(store(memory.bytes(), consumed_offset, std::uint32_t{1}));  // more than was ever pushed
    EXPECT_EQ(producer.push(entry_of(1)).error(), Error::corrupt);
}

// Whatever a peer writes into the shared memory at whatever time, our side moves at most as many entries as the ring
// has, and either works or reports corruption.
TEST(Ring, property_hostile_peer) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 200; ++round) {
        Memory memory(8);
        auto producer = Producer<Entry>::create(memory.bytes(), 8).value();
        auto consumer = Consumer<Entry>::create(memory.bytes(), 8).value();
        for (int step = 0; step < 100; ++step) {
            if (random() % 2 == 0) {
                auto const offset = random() % 2 == 0 ? produced_offset : consumed_offset;
                auto const value = static_cast<std::uint32_t>(random() % 3 == 0 ? random() : random() % 24);
                ASSERT_TRUE(store(memory.bytes(), offset, value));
            }
            std::array<Entry, 16> batch{};
            auto const size = random() % (batch.size() + 1);
            auto const moved = random() % 2 == 0 ? producer.push_batch(std::span(batch).first(size))
                                                 : consumer.pop_batch(std::span(batch).first(size));
            if (moved)
                ASSERT_LE(moved->count, std::min<std::size_t>(size, 8));
            else
                ASSERT_EQ(moved.error(), Error::corrupt);
        }
    }
}

// A notification as the two sides use it: signalled stays signalled until taken.
class Notification {
public:
    void signal() {
        std::scoped_lock lock(mutex_);
        is_signalled_ = true;
        changed_.notify_one();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return is_signalled_; });
        is_signalled_ = false;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_signalled_ = false;
};

// With signals only where the ring asked for them, neither side ever sleeps through an edge.
TEST(Ring, two_threads_lose_neither_entries_nor_wake_ups) {
    constexpr std::uint64_t total = 300'000;
    Memory memory(16);
    Notification not_empty;
    Notification not_full;
    std::thread pushing([&] {
        auto producer = Producer<Entry>::create(memory.bytes(), 16).value();
        std::mt19937 random(7);
        std::uint64_t next = 0;
        while (next < total) {
            std::array<Entry, 5> batch{};
            auto const size = std::min<std::uint64_t>(1 + random() % batch.size(), total - next);
            for (std::uint64_t index = 0; index < size; ++index)
                batch[index] = entry_of(next + index);
            auto const moved = producer.push_batch(std::span(batch).first(size)).value();
            next += moved.count;
            if (moved.must_signal)
                not_empty.signal();
            if (moved.count == 0)
                not_full.wait();
        }
    });
    auto consumer = Consumer<Entry>::create(memory.bytes(), 16).value();
    std::uint64_t expected = 0;
    bool is_right = true;
    while (expected < total) {
        std::array<Entry, 7> batch{};
        auto const moved = consumer.pop_batch(batch).value();
        for (std::uint32_t index = 0; index < moved.count; ++index, ++expected)
            is_right = is_right && batch[index].value == expected && batch[index].check == ~expected;
        if (moved.must_signal)
            not_full.signal();
        if (moved.count == 0)
            not_empty.wait();
    }
    pushing.join();
    EXPECT_TRUE(is_right);
}

}  // namespace
}  // namespace astrata::ring
