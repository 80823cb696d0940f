// Rings whose other side does what it likes: between two of our steps (ring_world.h), and in the middle of them.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "lib/ring/ring_world.h"

namespace astrata::ring {
namespace {

class RingProperty : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(RingProperty, ends_do_what_the_model_says_whatever_they_find) {
    for (std::uint64_t round = 0; round < 50; ++round) {
        testing::Choices choices(GetParam() * 1000 + round, 200);
        RingWorld(choices).run();
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, RingProperty, ::testing::Range<std::uint64_t>(0, 8));

// The other side writes while a call is under way, so that two looks of one call see different things.
TEST(RingAtAnyMoment, a_peer_that_writes_at_any_moment_gets_an_error_at_most) {
    constexpr std::uint32_t entries = 8;
    std::vector<std::uint64_t> words(ring_bytes<TestEntry>(entries) / 8);
    auto const memory = std::as_writable_bytes(std::span(words));
    auto producer = Producer<TestEntry>::create(memory, entries).value();
    auto consumer = Consumer<TestEntry>::create(memory, entries).value();
    std::atomic<std::uint32_t> own_index = 0;  // near which the lies are the most dangerous
    std::jthread hostile([&](std::stop_token stop) {
        testing::Choices choices(3, 0);
        while (!stop.stop_requested()) {
            auto const lie = own_index.load() + static_cast<std::uint32_t>(choices.below(2 * entries + 2)) - entries;
            std::atomic_ref(words[(choices.below(2) == 0 ? produced_offset : consumed_offset) / 8]).store(lie);
            std::atomic_ref(words[entries_offset / 8 + choices.below(words.size() - entries_offset / 8)]).store(lie);
        }
    });
    testing::Choices choices(4, 100'000);
    std::uint32_t pushed = 0;
    std::uint32_t popped = 0;
    while (choices.has_step()) {
        std::array<TestEntry, 12> batch{};
        auto const some = std::span(batch).first(choices.below(batch.size() + 1));
        bool const is_push = choices.below(2) == 0;
        auto const moved = is_push ? producer.push_batch(some) : consumer.pop_batch(some);
        if (!moved) {
            ASSERT_EQ(moved.error(), Error::corrupt);
        } else {
            ASSERT_LE(moved->count, std::min<std::size_t>(some.size(), entries));
            (is_push ? pushed : popped) += moved->count;
        }
        own_index = choices.below(2) == 0 ? pushed : popped;
    }
}

}  // namespace
}  // namespace astrata::ring
