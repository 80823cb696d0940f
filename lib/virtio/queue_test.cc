#include "lib/virtio/queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>
#include <thread>

#include "lib/virtio/simulated_device.h"

namespace astrata::virtio {
namespace {

struct Fixture {
    explicit Fixture(std::uint16_t size, QueueOptions options = {})
        : memory(QueueLayout::of(size, options).bytes + 64),
          queue(SplitQueue::create(memory.bytes(), SharedMemory::base, size, options).value()),
          device(memory, queue.addresses(), size) {}

    SharedMemory memory;
    SplitQueue queue;
    SimulatedQueue device;
};

std::vector<Segment> segments(std::initializer_list<std::uint32_t> lengths) {
    std::vector<Segment> result;
    std::uint64_t address = 0x1000;
    for (auto const length : lengths) {
        result.push_back({address, length});
        address += 0x1000;
    }
    return result;
}

TEST(SplitQueue, a_chain_arrives_whole_and_comes_back) {
    for (bool const has_indirect : {false, true}) {
        Fixture fixture(8, {.has_indirect = has_indirect});
        ASSERT_TRUE(fixture.queue.add(segments({16, 20}), segments({512, 1}), 42));
        EXPECT_FALSE(fixture.device.next());  // not published yet
        EXPECT_TRUE(fixture.queue.publish());
        EXPECT_FALSE(fixture.queue.publish());  // nothing new
        auto const chain = fixture.device.next();
        ASSERT_TRUE(chain);
        ASSERT_EQ(chain->readable.size(), 2u);
        ASSERT_EQ(chain->writable.size(), 2u);
        EXPECT_EQ(chain->readable[1].device_address, 0x2000u);
        EXPECT_EQ(chain->writable[0].length, 512u);
        EXPECT_EQ(fixture.queue.take().value(), std::nullopt);
        fixture.device.complete(chain->head, 513);
        auto const completed = fixture.queue.take().value();
        ASSERT_TRUE(completed);
        EXPECT_EQ(completed->token, 42u);
        EXPECT_EQ(completed->written, 513u);
        EXPECT_EQ(fixture.queue.in_flight(), 0);
    }
}

TEST(SplitQueue, is_full_when_descriptors_run_out_and_recovers) {
    Fixture direct(4);
    ASSERT_TRUE(direct.queue.add(segments({1, 1}), segments({1}), 1));
    EXPECT_EQ(direct.queue.add(segments({1}), segments({1}), 2).error(), Error::would_block);
    ASSERT_TRUE(direct.queue.add(segments({1}), {}, 3));
    (void)direct.queue.publish();
    direct.device.complete(direct.device.next()->head, 0);
    ASSERT_TRUE(direct.queue.take().value());
    EXPECT_TRUE(direct.queue.add(segments({1}), segments({1}), 4));

    Fixture indirect(4, {.has_indirect = true});
    for (std::uint64_t token = 0; token < 4; ++token)
        ASSERT_TRUE(indirect.queue.add(segments({1, 1}), segments({1}), token));
    EXPECT_EQ(indirect.queue.add(segments({1}), {}, 9).error(), Error::would_block);
}

TEST(SplitQueue, bad_arguments_are_refused) {
    SharedMemory memory(4096);
    EXPECT_EQ(SplitQueue::create(memory.bytes(), SharedMemory::base, 3, {}).error(), Error::invalid_argument);
    EXPECT_EQ(SplitQueue::create(memory.bytes(), SharedMemory::base, 512, {}).error(), Error::invalid_argument);
    EXPECT_EQ(SplitQueue::create(memory.bytes(), SharedMemory::base + 8, 4, {}).error(), Error::invalid_argument);
    EXPECT_EQ(SplitQueue::create(memory.bytes().first(64), SharedMemory::base, 4, {}).error(), Error::out_of_range);
    Fixture fixture(4);
    EXPECT_EQ(fixture.queue.add({}, {}, 1).error(), Error::invalid_argument);
    EXPECT_EQ(fixture.queue.add(segments({1, 1, 1}), segments({1, 1}), 1).error(), Error::invalid_argument);
}

TEST(SplitQueue, notifications_are_suppressed_as_the_device_wishes) {
    Fixture by_flag(8);
    by_flag.device.set_no_notify(true);
    ASSERT_TRUE(by_flag.queue.add(segments({1}), {}, 1));
    EXPECT_FALSE(by_flag.queue.publish());
    by_flag.device.set_no_notify(false);
    ASSERT_TRUE(by_flag.queue.add(segments({1}), {}, 1));
    EXPECT_TRUE(by_flag.queue.publish());

    Fixture by_event(8, {.has_event_index = true});
    by_event.device.set_available_event(1);  // when the second request is there
    ASSERT_TRUE(by_event.queue.add(segments({1}), {}, 1));
    EXPECT_FALSE(by_event.queue.publish());
    ASSERT_TRUE(by_event.queue.add(segments({1}), {}, 1));
    EXPECT_TRUE(by_event.queue.publish());
    ASSERT_TRUE(by_event.queue.add(segments({1}), {}, 1));
    EXPECT_FALSE(by_event.queue.publish());
}

TEST(SplitQueue, interrupts_are_asked_for_and_a_late_wish_is_noticed) {
    for (bool const has_event_index : {false, true}) {
        Fixture fixture(8, {.has_event_index = has_event_index});
        ASSERT_TRUE(fixture.queue.add(segments({1}), {}, 1));
        ASSERT_TRUE(fixture.queue.add(segments({1}), {}, 2));
        (void)fixture.queue.publish();
        fixture.queue.disable_interrupts();
        EXPECT_FALSE(fixture.device.complete(fixture.device.next()->head, 0, has_event_index));
        EXPECT_TRUE(fixture.queue.enable_interrupts());  // one is there already
        EXPECT_TRUE(fixture.queue.take().value());
        EXPECT_FALSE(fixture.queue.enable_interrupts());
        EXPECT_TRUE(fixture.device.complete(fixture.device.next()->head, 0, has_event_index));
    }
}

TEST(SplitQueue, a_lying_device_breaks_the_queue_and_nothing_else) {
    enum class Lie { id_out_of_range, id_not_in_use, finished_twice, too_long, index_jumps };
    for (auto const lie :
         {Lie::id_out_of_range, Lie::id_not_in_use, Lie::finished_twice, Lie::too_long, Lie::index_jumps}) {
        Fixture fixture(4);
        ASSERT_TRUE(fixture.queue.add({}, segments({100}), 1));
        ASSERT_TRUE(fixture.queue.add({}, segments({100}), 2));
        (void)fixture.queue.publish();
        auto const head = fixture.device.next()->head;
        switch (lie) {
        case Lie::id_out_of_range: fixture.device.complete(4, 1); break;
        case Lie::id_not_in_use: fixture.device.complete(3, 1); break;
        case Lie::finished_twice:
            fixture.device.complete(head, 1);
            ASSERT_TRUE(fixture.queue.take().value());
            fixture.device.complete(head, 1);
            break;
        case Lie::too_long: fixture.device.complete(head, 101); break;
        case Lie::index_jumps: fixture.device.set_used_index(3); break;
        }
        EXPECT_EQ(fixture.queue.take().error(), Error::io);
        EXPECT_TRUE(fixture.queue.is_broken());
        EXPECT_EQ(fixture.queue.take().error(), Error::io);
        EXPECT_EQ(fixture.queue.add({}, segments({1}), 3).error(), Error::io);
        EXPECT_FALSE(fixture.queue.publish());
    }
}

// Random work against a device that finishes requests in any order: every token comes back exactly once, indices wrap.
TEST(SplitQueue, property_every_request_comes_back_once) {
    std::mt19937 random(3);
    for (auto const options : {QueueOptions{}, QueueOptions{.has_indirect = true, .has_event_index = true}}) {
        Fixture fixture(16, options);
        std::set<std::uint64_t> outstanding;
        std::deque<SimulatedQueue::Chain> in_device;
        std::uint64_t next_token = 0;
        std::uint64_t finished = 0;
        while (finished < 100'000) {
            std::vector<Segment> readable(random() % 3, Segment{0x1000, 8});
            std::vector<Segment> const writable(1 + random() % 3, Segment{0x2000, 8});
            if (auto const added = fixture.queue.add(readable, writable, next_token); added)
                outstanding.insert(next_token++);
            else
                ASSERT_EQ(added.error(), Error::would_block);
            if (random() % 2 == 0)
                (void)fixture.queue.publish();
            while (auto chain = fixture.device.next()) {
                ASSERT_LE(chain->readable.size(), 2u);
                in_device.push_back(*chain);
            }
            while (!in_device.empty() && random() % 3 != 0) {
                auto const chosen = in_device.begin() + static_cast<std::ptrdiff_t>(random() % in_device.size());
                fixture.device.complete(chosen->head, 8);
                in_device.erase(chosen);
            }
            while (auto const completed = fixture.queue.take().value()) {
                ASSERT_EQ(outstanding.erase(completed->token), 1u);
                ++finished;
            }
        }
    }
}

// A device on another thread, with both suppression mechanisms in use: nobody waits for ever.
TEST(SplitQueue, two_threads_lose_no_notification) {
    constexpr std::uint64_t total = 100'000;
    QueueOptions const options{.has_indirect = true, .has_event_index = true};
    Fixture fixture(8, options);
    std::atomic<std::uint32_t> doorbell = 0;
    std::atomic<std::uint32_t> interrupts = 0;
    std::atomic<bool> is_over = false;
    std::thread device([&] {
        while (!is_over) {
            auto const rung = doorbell.load();
            while (auto const chain = fixture.device.next()) {
                if (fixture.device.complete(chain->head, 4, true)) {
                    ++interrupts;
                    interrupts.notify_one();
                }
            }
            fixture.device.set_available_event(fixture.device.seen());
            std::atomic_thread_fence(std::memory_order_seq_cst);
            if (auto const chain = fixture.device.next()) {
                if (fixture.device.complete(chain->head, 4, true)) {
                    ++interrupts;
                    interrupts.notify_one();
                }
                continue;
            }
            if (!is_over)
                doorbell.wait(rung);
        }
    });
    std::uint64_t added = 0;
    std::uint64_t finished = 0;
    while (finished < total) {
        auto const seen = interrupts.load();
        while (added < total && fixture.queue.add(segments({4}), segments({4}), added))
            ++added;
        if (fixture.queue.publish()) {
            ++doorbell;
            doorbell.notify_one();
        }
        std::uint64_t taken = 0;
        while (fixture.queue.take().value())
            ++taken;
        finished += taken;
        if (taken == 0 && finished < total && !fixture.queue.enable_interrupts())
            interrupts.wait(seen);
    }
    is_over = true;
    ++doorbell;
    doorbell.notify_one();
    device.join();
    EXPECT_EQ(finished, total);
}

}  // namespace
}  // namespace astrata::virtio
