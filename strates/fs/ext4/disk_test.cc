// The disk side of the strate against a driver of a few lines, which answers when the test says so.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/async/spawn.h"
#include "lib/async/sync_wait.h"
#include "lib/ext4/image_testing.h"
#include "strates/fs/ext4/disk.h"

namespace astrata::ext4_strate {
namespace {

using ext4::testing::noise;

constexpr std::uint32_t entries = 8;
constexpr std::size_t pool_pages = 64;
constexpr std::uint32_t block_size = 512;

using Layout = ring::SessionLayout<abi::BlockRequest>;

// The memory of a session and the driver's ends of its rings.
class FakeDriver final : public SessionPeer {
public:
    explicit FakeDriver(std::string const& image) : image_(image) {
        submissions_.emplace(
            *ring::Consumer<abi::BlockRequest>::create(rings().subspan(layout.submissions_offset()), entries));
        completions_.emplace(
            *ring::Producer<abi::BlockRequest>::create(rings().subspan(layout.completions_offset()), entries));
    }

    void ring_doorbell() override { ++doorbells; }
    [[nodiscard]] abi::Handle buffers() const override { return 77; }

    [[nodiscard]] MutableBytes rings() { return std::as_writable_bytes(std::span(rings_)); }
    [[nodiscard]] MutableBytes pool() { return std::as_writable_bytes(std::span(pool_)); }

    /// Takes what was submitted.
    void take() {
        std::array<abi::BlockRequest, entries> batch;
        auto const taken = submissions_->pop_batch(batch);
        ASSERT_TRUE(taken);
        for (auto const& request : std::span(batch).first(taken->count))
            pending.push_back(request);
    }
    /// Answers all that was taken, the last one first.
    void answer(std::uint32_t status = 0) {
        while (!pending.empty()) {
            auto request = pending.back();
            pending.pop_back();
            ++answered;
            request.status = status;
            auto const bytes = std::size_t{request.block_count} * block_size;
            if (status == 0)
                std::ranges::copy(as_bytes(image_).subspan(request.first_block * block_size, bytes),
                                  pool().subspan(request.buffer_offset, bytes).begin());
            EXPECT_EQ(completions_->push(request)->count, 1u);
        }
    }
    void push_raw(abi::BlockRequest const& answer) { EXPECT_EQ(completions_->push(answer)->count, 1u); }

    static constexpr Layout layout{entries};
    std::vector<abi::BlockRequest> pending;
    std::size_t answered = 0;
    int doorbells = 0;

private:
    std::string const& image_;
    std::vector<std::uint64_t> rings_ = std::vector<std::uint64_t>(layout.bytes() / 8);
    std::vector<std::uint64_t> pool_ = std::vector<std::uint64_t>(pool_pages * page_size / 8);
    std::optional<ring::Consumer<abi::BlockRequest>> submissions_;
    std::optional<ring::Producer<abi::BlockRequest>> completions_;
};

class DiskWithDriver : public ::testing::Test {
protected:
    DiskWithDriver() { connect(); }

    void connect() {
        auto peer = std::make_unique<FakeDriver>(image_);
        driver_ = peer.get();
        auto const rings = driver_->rings();
        auto const pool = driver_->pool();
        disk_.attach(*Session::create(std::move(peer), rings, pool, entries));
    }
    // Lets the driver work until nothing is under way.
    void drain() {
        for (driver_->take(); !driver_->pending.empty(); driver_->take()) {
            driver_->answer();
            EXPECT_TRUE(disk_.session()->collect());
        }
    }
    struct Reading {
        Reading(Disk& disk, std::uint64_t first, std::uint64_t count) : bytes(count * block_size) {
            async::spawn(disk.read(first, count, bytes), [this](Result<> result) { outcome = result; });
        }
        std::vector<std::byte> bytes;
        std::optional<Result<>> outcome;
    };
    void expect_read(Reading const& reading, std::uint64_t first) {
        ASSERT_TRUE(reading.outcome);
        EXPECT_TRUE(reading.outcome->has_value());
        EXPECT_TRUE(as_text(reading.bytes) ==
                    std::string_view(image_).substr(first * block_size, reading.bytes.size()));
    }

    std::string image_ = noise(4 << 20, 9);
    FakeDriver* driver_ = nullptr;
    Disk disk_{block_size, (4 << 20) / block_size};
};

TEST_F(DiskWithDriver, copies_what_is_not_read_into_its_buffers) {
    Reading const small(disk_, 3, 1);
    Reading const large(disk_, 100, 2000);
    EXPECT_FALSE(small.outcome);
    EXPECT_EQ(driver_->doorbells, 1);
    drain();
    expect_read(small, 3);
    expect_read(large, 100);
    EXPECT_EQ(disk_.session()->pool().free_pages(), pool_pages);
}

TEST_F(DiskWithDriver, reads_into_its_buffers_directly) {
    auto const buffer = disk_.try_allocate(4);
    ASSERT_TRUE(buffer);
    std::optional<Result<>> outcome;
    async::spawn(disk_.read(8, 32, buffer->bytes()), [&](Result<> result) { outcome = result; });
    driver_->take();
    ASSERT_EQ(driver_->pending.size(), 1u);
    EXPECT_EQ(driver_->pending[0].buffer_offset, buffer->offset());
    EXPECT_EQ(driver_->pending[0].block_count, 32u);
    drain();
    EXPECT_TRUE(outcome && outcome->has_value());
    EXPECT_TRUE(as_text(buffer->bytes()) == std::string_view(image_).substr(8 * 512, 4 * page_size));
}

TEST_F(DiskWithDriver, serves_more_readers_than_there_are_slots_and_buffers) {
    std::vector<std::unique_ptr<Reading>> readings;
    for (std::uint64_t index = 0; index < 50; ++index)
        readings.push_back(std::make_unique<Reading>(disk_, index * 100, 90));
    drain();
    for (std::uint64_t index = 0; index < readings.size(); ++index)
        expect_read(*readings[index], index * 100);
    EXPECT_EQ(disk_.session()->pool().free_pages(), pool_pages);
}

TEST_F(DiskWithDriver, reports_errors_of_the_disk) {
    Reading const reading(disk_, 5, 4);
    driver_->take();
    driver_->answer(static_cast<std::uint32_t>(Error::io));
    EXPECT_TRUE(disk_.session()->collect());
    ASSERT_TRUE(reading.outcome);
    EXPECT_EQ(reading.outcome->error(), Error::io);

    Reading const strange(disk_, 5, 4);
    driver_->take();
    driver_->answer(60'000);
    EXPECT_TRUE(disk_.session()->collect());
    EXPECT_EQ(strange.outcome->error(), Error::io);

    Reading const outside(disk_, disk_.block_count() - 1, 2);
    EXPECT_EQ(outside.outcome->error(), Error::out_of_range);
}

TEST_F(DiskWithDriver, asks_the_next_driver_for_what_the_last_one_owed) {
    Reading const bounced(disk_, 7, 300);
    auto buffer = disk_.try_allocate(4);
    ASSERT_TRUE(buffer);
    std::optional<Result<>> direct;
    async::spawn(disk_.read(16, 32, buffer->bytes()), [&](Result<> result) { direct = result; });
    driver_->take();
    EXPECT_EQ(driver_->pending.size(), 2u);
    connect();
    EXPECT_FALSE(bounced.outcome || direct);
    drain();
    expect_read(bounced, 7);
    EXPECT_TRUE(direct && direct->has_value());
    EXPECT_TRUE(as_text(buffer->bytes()) == std::string_view(image_).substr(16 * 512, 4 * page_size))
        << "a buffer of the former session is still there and was filled";
    buffer.reset();
    EXPECT_EQ(disk_.session()->pool().free_pages(), pool_pages);
}

TEST_F(DiskWithDriver, ignores_answers_to_nothing) {
    Reading const reading(disk_, 5, 4);
    driver_->take();
    auto const request = driver_->pending.at(0);
    for (std::uint64_t const id :
         {std::uint64_t{0}, request.id + 1, request.id + (std::uint64_t{1} << 32), ~std::uint64_t{0}})
        driver_->push_raw({.id = id});
    EXPECT_TRUE(disk_.session()->collect());
    EXPECT_FALSE(reading.outcome);
    drain();
    expect_read(reading, 5);
    driver_->push_raw(request);  // a second time
    EXPECT_TRUE(disk_.session()->collect());
}

TEST_F(DiskWithDriver, notices_a_broken_ring) {
    Reading const reading(disk_, 5, 4);
    auto const produced = driver_->rings().subspan(FakeDriver::layout.completions_offset() + ring::produced_offset);
    EXPECT_TRUE(store(produced, 0, std::uint32_t{1000}));
    EXPECT_EQ(disk_.session()->collect().error(), Error::corrupt);
    connect();
    drain();
    expect_read(reading, 5);
}

TEST_F(DiskWithDriver, keeps_room_for_reads_while_buffers_are_held) {
    std::vector<Buffer> held;
    while (auto buffer = disk_.try_allocate(8))
        held.push_back(std::move(*buffer));
    EXPECT_EQ(held.size(), 4u);
    Reading const reading(disk_, 5, 400);
    drain();
    expect_read(reading, 5);
}

TEST_F(DiskWithDriver, wakes_who_waits_for_room) {
    std::vector<Buffer> held;
    while (auto buffer = disk_.try_allocate(8))
        held.push_back(std::move(*buffer));
    std::optional<Result<>> outcome;
    async::spawn(disk_.wait_for_room(), [&](Result<> result) { outcome = result; });
    EXPECT_FALSE(outcome);
    held.pop_back();
    EXPECT_TRUE(outcome);
    EXPECT_TRUE(disk_.try_allocate(8));
}

TEST(Session, refuses_rings_that_make_no_sense) {
    std::string const image;
    for (std::uint32_t const count : {0u, 3u, 1u << 20}) {
        auto peer = std::make_unique<FakeDriver>(image);
        auto const rings = peer->rings();
        auto const pool = peer->pool();
        EXPECT_FALSE(Session::create(std::move(peer), rings, pool, count));
    }
    auto peer = std::make_unique<FakeDriver>(image);
    auto const rings = peer->rings();
    auto const pool = peer->pool();
    EXPECT_EQ(Session::create(std::move(peer), rings, pool, 2 * entries * 8).error(), Error::out_of_range);
}

TEST(BufferPool, finds_runs) {
    BufferPool pool(8);
    EXPECT_EQ(pool.allocate(3), 0u);
    EXPECT_EQ(pool.allocate(3), 3u);
    EXPECT_FALSE(pool.allocate(3));
    EXPECT_FALSE(pool.allocate(0));
    EXPECT_FALSE(pool.allocate(9));
    pool.free(0, 3);
    EXPECT_EQ(pool.free_pages(), 5u);
    EXPECT_FALSE(pool.allocate(4));
    EXPECT_EQ(pool.allocate(2), 0u);
    EXPECT_EQ(pool.allocate(2), 6u);
    EXPECT_EQ(pool.allocate(1), 2u);
    EXPECT_EQ(pool.free_pages(), 0u);
}

// A whole volume behind the driver.
TEST(VolumeBehindDriver, can_be_read_across_restarts) {
    ext4::testing::TemporaryFolder folder;
    std::filesystem::create_directory(folder / "tree");
    auto const contents = noise(1'000'000, 4);
    ext4::testing::write_file(folder / "tree/file", contents);
    ext4::testing::run("mke2fs -q -F -t ext4 -b 1024 -d " + ext4::testing::shell_word(folder / "tree") + " " +
                       ext4::testing::shell_word(folder / "image") + " 8M");
    auto const image = ext4::testing::read_file(folder / "image");
    Disk disk(block_size, image.size() / block_size);
    FakeDriver* driver = nullptr;
    auto const connect = [&] {
        auto peer = std::make_unique<FakeDriver>(image);
        driver = peer.get();
        auto const rings = driver->rings();
        auto const pool = driver->pool();
        disk.attach(*Session::create(std::move(peer), rings, pool, entries));
    };
    connect();
    std::string read(contents.size(), '\0');
    std::optional<Result<std::size_t>> outcome;
    auto const run = [](Disk& source, MutableBytes into) -> async::Task<Result<std::size_t>> {
        auto const volume = CO_TRY(co_await ext4::Volume::mount(source, {.cached_blocks = 2}));
        auto const root = CO_TRY(co_await volume->read_inode(ext4::root_inode));
        auto const number = CO_TRY(co_await volume->lookup(root, "file"));
        auto const file = CO_TRY(co_await volume->read_inode(number));
        co_return co_await volume->read(file, 0, into);
    };
    async::spawn(run(disk, std::as_writable_bytes(std::span(read))),
                 [&](Result<std::size_t> result) { outcome = result; });
    for (int step = 0; step < 10'000 && !outcome; ++step) {
        driver->take();
        if (step % 3 == 2) {
            connect();  // with whatever it had taken
            continue;
        }
        driver->answer();
        EXPECT_TRUE(disk.session()->collect());
    }
    ASSERT_TRUE(outcome);
    EXPECT_EQ(*outcome, contents.size());
    EXPECT_TRUE(read == contents);
}

}  // namespace
}  // namespace astrata::ext4_strate
