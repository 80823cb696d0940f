#include "strates/drivers/block/virtio-blk/engine.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "lib/virtio/simulated_transport.h"

namespace astrata::virtio_blk {
namespace {

using abi::BlockOperation;
using abi::BlockRequest;
using virtio::SharedDma;
using virtio::SimulatedTransport;

constexpr std::uint64_t read_only_feature = 1 << 5, flush_feature = 1 << 9, discard_feature = 1 << 13;
constexpr std::size_t pool_bytes = 64 << 10;

// A disk in memory behind a virtio queue, on the "host".
class Disk {
public:
    explicit Disk(std::uint64_t features, std::uint64_t sectors = 256)
        : transport(dma, features, 1), contents(sectors * 512) {
        EXPECT_TRUE(store(transport.configuration, 0, sectors));
        EXPECT_TRUE(store(transport.configuration, 20, std::uint32_t{512}));
        EXPECT_TRUE(store(transport.configuration, 36, std::uint32_t{1024}));
        for (std::size_t index = 0; index < contents.size(); ++index)
            contents[index] = static_cast<std::byte>(index / 512 + index);
    }

    SharedDma dma{2 << 20};
    SimulatedTransport transport;
    std::vector<std::byte> contents;
    std::uint8_t forced_status = 0;
    int flushes = 0;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> discards;

    // Carries out one request. False if there is none.
    bool step() {
        auto const chain = transport.queue(0).next();
        if (!chain)
            return false;
        carry_out(*chain);
        return true;
    }
    void carry_out(virtio::SimulatedQueue::Chain const& chain) {
        auto const header = memory(chain.readable.at(0));
        auto const type = load<std::uint32_t>(header, 0).value();
        auto const sector = load<std::uint64_t>(header, 8).value();
        auto const status = memory(chain.writable.back());
        std::uint32_t written = 1;
        std::uint8_t result = forced_status;
        if (type == 8) {
            std::ranges::copy(as_bytes("TESTDISK"), memory(chain.writable[0]).begin());
            written += 20;
            result = 0;
        } else if (result == 0 && type == 0) {
            auto const into = memory(chain.writable[0]);
            std::ranges::copy(std::span(contents).subspan(sector * 512, into.size()), into.begin());
            written += static_cast<std::uint32_t>(into.size());
        } else if (result == 0 && type == 1) {
            std::ranges::copy(memory(chain.readable[1]), std::span(contents).subspan(sector * 512).begin());
        } else if (type == 4) {
            ++flushes;
        } else if (type == 11) {
            auto const segment = memory(chain.readable[1]);
            discards.emplace_back(load<std::uint64_t>(segment, 0).value(), load<std::uint32_t>(segment, 8).value());
        }
        status[0] = std::byte{result};
        transport.queue(0).complete(chain.head, written, (transport.chosen & virtio::feature::event_index) != 0);
    }

private:
    MutableBytes memory(virtio::Segment const& segment) {
        return dma.memory.at(segment.device_address, segment.length);
    }
};

struct Client {
    explicit Client(Disk& disk)
        : rings(Layout{ring_entries}.bytes() / 8), pool(disk.dma.allocate(pool_bytes).value()),
          submissions(ring::Producer<BlockRequest>::create(bytes().subspan(Layout{ring_entries}.submissions_offset()),
                                                           ring_entries)
                          .value()),
          completions(ring::Consumer<BlockRequest>::create(bytes().subspan(Layout{ring_entries}.completions_offset()),
                                                           ring_entries)
                          .value()) {}

    MutableBytes bytes() { return std::as_writable_bytes(std::span(rings)); }
    Session session() { return Session::create(bytes(), pool).value(); }
    void submit(BlockRequest request) { EXPECT_EQ(submissions.push(request)->count, 1u); }
    std::optional<BlockRequest> completed() {
        BlockRequest request;
        return completions.pop_batch(std::span(&request, 1))->count == 1 ? std::optional(request) : std::nullopt;
    }

    std::vector<std::uint64_t> rings;
    virtio::DmaBlock pool;
    ring::Producer<BlockRequest> submissions;
    ring::Consumer<BlockRequest> completions;
};

class BlockEngine : public testing::Test {
protected:
    void start(std::uint64_t features, std::uint64_t sectors = 256) {
        disk = std::make_unique<Disk>(features, sectors);
        // The engine waits for the answer to its own first request.
        disk->transport.on_notify = [this] { (void)disk->step(); };
        engine = Engine::create(disk->transport, disk->dma, 0).value();
        disk->transport.on_notify = nullptr;
        client = std::make_unique<Client>(*disk);
        engine->attach(client->session());
        (void)work();  // the late answer to the serial number request
    }
    Engine::Work work() { return engine->work().value(); }
    BlockRequest run(BlockRequest request) {
        client->submit(request);
        (void)work();
        while (disk->step()) {
        }
        (void)work();
        return client->completed().value();
    }
    Error error_of(BlockRequest const& request) { return static_cast<Error>(run(request).status); }

    std::unique_ptr<Disk> disk;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Client> client;
};

constexpr std::uint64_t modern = virtio::feature::indirect_descriptors | virtio::feature::event_index;

TEST_F(BlockEngine, reads_and_writes_without_copying) {
    for (auto const features : {std::uint64_t{0}, modern}) {
        start(features);
        EXPECT_EQ(engine->geometry().blocks, 256u);
        EXPECT_EQ(engine->geometry().block_size, 512u);
        EXPECT_EQ(engine->geometry().serial, "TESTDISK");
        auto const done =
            run({.id = 7, .operation = BlockOperation::read, .first_block = 3, .block_count = 2, .buffer_offset = 512});
        EXPECT_EQ(done.id, 7u);
        EXPECT_EQ(done.status, 0u);
        EXPECT_TRUE(std::ranges::equal(client->pool.memory.subspan(512, 1024),
                                       std::span(disk->contents).subspan(3 * 512, 1024)));
        std::ranges::fill(client->pool.memory.first(512), std::byte{0x5a});
        EXPECT_EQ(run({.operation = BlockOperation::write, .first_block = 255, .block_count = 1}).status, 0u);
        EXPECT_EQ(disk->contents.back(), std::byte{0x5a});
    }
}

TEST_F(BlockEngine, bad_requests_get_their_error_and_do_not_reach_the_device) {
    start(modern);
    auto const read = BlockOperation::read;
    EXPECT_EQ(error_of({.operation = read, .first_block = 256, .block_count = 1}), Error::out_of_range);
    EXPECT_EQ(error_of({.operation = read, .first_block = 255, .block_count = 2}), Error::out_of_range);
    EXPECT_EQ(error_of({.operation = read, .first_block = ~0ull, .block_count = 1}), Error::out_of_range);
    EXPECT_EQ(error_of({.operation = read, .block_count = 0}), Error::invalid_argument);
    EXPECT_EQ(error_of({.operation = read, .block_count = 129}), Error::out_of_range);  // larger than the pool
    EXPECT_EQ(error_of({.operation = read, .block_count = 1, .buffer_offset = pool_bytes - 511}), Error::out_of_range);
    EXPECT_EQ(error_of({.operation = read, .block_count = 1, .buffer_offset = ~0ull}), Error::out_of_range);
    EXPECT_EQ(error_of({.operation = static_cast<BlockOperation>(9), .block_count = 1}), Error::invalid_argument);
    EXPECT_EQ(error_of({.operation = BlockOperation::discard, .block_count = 1}), Error::not_supported);
    EXPECT_EQ(engine->in_flight(), 0);
}

TEST_F(BlockEngine, flush_discard_and_read_only) {
    start(modern | flush_feature | discard_feature);
    EXPECT_EQ(run({.operation = BlockOperation::flush}).status, 0u);
    EXPECT_EQ(disk->flushes, 1);
    EXPECT_EQ(run({.operation = BlockOperation::discard, .first_block = 8, .block_count = 16}).status, 0u);
    EXPECT_EQ(disk->discards, (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{8, 16}}));
    start(modern | discard_feature, 4096);
    EXPECT_EQ(run({.operation = BlockOperation::discard, .block_count = 1024}).status, 0u);
    EXPECT_EQ(error_of({.operation = BlockOperation::discard, .block_count = 1025}), Error::out_of_range);
    EXPECT_EQ(disk->discards, (std::vector<std::pair<std::uint64_t, std::uint32_t>>{{0, 1024}}));
    start(modern | read_only_feature);
    EXPECT_EQ(error_of({.operation = BlockOperation::write, .block_count = 1}), Error::read_only);
    EXPECT_EQ(run({.operation = BlockOperation::flush}).status, 0u);  // nothing to do
    EXPECT_EQ(disk->flushes, 0);
}

TEST_F(BlockEngine, device_errors_are_passed_on) {
    start(modern);
    disk->forced_status = 1;
    EXPECT_EQ(error_of({.operation = BlockOperation::read, .block_count = 1}), Error::io);
    disk->forced_status = 2;
    EXPECT_EQ(error_of({.operation = BlockOperation::read, .block_count = 1}), Error::not_supported);
    disk->forced_status = 0xff;
    EXPECT_EQ(error_of({.operation = BlockOperation::read, .block_count = 1}), Error::io);
}

TEST_F(BlockEngine, a_new_session_begins_when_the_old_ones_requests_are_done) {
    start(modern);
    client->submit({.id = 1, .operation = BlockOperation::read, .block_count = 1});
    (void)work();
    EXPECT_EQ(engine->in_flight(), 1);
    engine->detach();
    client->submit({.id = 2, .operation = BlockOperation::read, .block_count = 1});
    (void)work();
    EXPECT_EQ(engine->in_flight(), 1);  // nothing more was taken
    EXPECT_TRUE(disk->step());
    (void)work();
    EXPECT_EQ(engine->in_flight(), 0);
    EXPECT_FALSE(client->completed());
    client = std::make_unique<Client>(*disk);
    engine->attach(client->session());
    EXPECT_EQ(run({.id = 3, .operation = BlockOperation::read, .block_count = 1}).id, 3u);
}

TEST_F(BlockEngine, a_client_that_breaks_its_rings_loses_its_session_only) {
    start(modern);
    ASSERT_TRUE(
        store(client->bytes(), Layout{ring_entries}.submissions_offset() + ring::produced_offset, std::uint32_t{1000}));
    EXPECT_TRUE(work().is_session_broken);
    EXPECT_FALSE(engine->has_session());
    client = std::make_unique<Client>(*disk);
    engine->attach(client->session());
    EXPECT_EQ(run({.id = 3, .operation = BlockOperation::read, .block_count = 1}).status, 0u);
    ASSERT_TRUE(
        store(client->bytes(), Layout{ring_entries}.completions_offset() + ring::consumed_offset, std::uint32_t{50}));
    client->submit({.operation = BlockOperation::read, .block_count = 1});
    EXPECT_TRUE(work().is_session_broken);
}

TEST_F(BlockEngine, a_lying_device_is_an_error) {
    start(modern);
    client->submit({.operation = BlockOperation::read, .block_count = 1});
    (void)work();
    auto const chain = disk->transport.queue(0).next().value();
    disk->transport.queue(0).complete(chain.head, 100'000, true);
    EXPECT_EQ(engine->work().error(), Error::io);
}

// Many requests at once, finished in any order: each completes once, completions never overflow, signals come on edges.
TEST_F(BlockEngine, property_every_request_completes_once) {
    std::mt19937 random(11);
    for (auto const features : {std::uint64_t{0}, modern}) {
        start(features);
        std::uint64_t next_id = 0;
        std::vector<bool> is_done;
        std::deque<virtio::SimulatedQueue::Chain> in_device;
        std::uint64_t done = 0;
        constexpr std::uint64_t total = 20'000;
        while (done < total) {
            for (auto count = random() % 40; count != 0 && next_id < total; --count) {
                BlockRequest const request{.id = next_id,
                                           .operation = BlockOperation::read,
                                           .first_block = random() % 300,  // some are out of range
                                           .block_count = static_cast<std::uint32_t>(1 + random() % 4),
                                           .buffer_offset = random() % 100 * 512};
                if (client->submissions.push(request)->count == 0)
                    break;
                ++next_id;
                is_done.push_back(false);
            }
            ASSERT_FALSE(work().is_session_broken);
            ASSERT_LE(engine->in_flight(), in_flight_limit);
            while (auto chain = disk->transport.queue(0).next())
                in_device.push_back(*chain);
            while (!in_device.empty() && random() % 8 != 0) {
                auto const chosen = in_device.begin() + static_cast<std::ptrdiff_t>(random() % in_device.size());
                disk->carry_out(*chosen);
                in_device.erase(chosen);
            }
            ASSERT_FALSE(work().is_session_broken);
            for (auto count = random() % 60; count != 0; --count) {
                auto const completed = client->completed();
                if (!completed)
                    break;
                ASSERT_FALSE(is_done.at(completed->id));
                is_done[completed->id] = true;
                ++done;
            }
        }
        EXPECT_EQ(engine->in_flight(), 0);
    }
}

}  // namespace
}  // namespace astrata::virtio_blk
