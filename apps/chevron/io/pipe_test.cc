#include "apps/chevron/io/pipe.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace astrata::chevron {
namespace {

struct CountingWaker : Waker {
    void wake() override { ++count; }
    std::atomic<int> count = 0;
};

TEST(Pipe, carries_everything_between_threads) {
    auto ends = *Pipe::create();
    constexpr std::size_t total = 1'000'000;
    std::thread writer([writer = std::move(ends.writer)]() mutable {
        std::vector<std::byte> data(total);
        for (std::size_t index = 0; index < total; ++index)
            data[index] = static_cast<std::byte>(index * 7);
        EXPECT_TRUE(writer->write(data));
        writer = *make_ref<NullChannel>();  // closes the end
    });
    std::size_t received = 0;
    std::array<std::byte, 3000> chunk;
    for (;;) {
        auto const count = ends.reader->read(chunk);
        ASSERT_TRUE(count);
        if (*count == 0)
            break;
        for (std::size_t index = 0; index < *count; ++index, ++received)
            ASSERT_EQ(chunk[index], static_cast<std::byte>(received * 7));
    }
    EXPECT_EQ(received, total);
    writer.join();
}

TEST(Pipe, ends_for_the_writer_when_the_reader_goes) {
    auto ends = *Pipe::create();
    ends.reader = *make_ref<NullChannel>();
    EXPECT_EQ(ends.writer->write(as_bytes("x")).error(), Error::peer_closed);
}

TEST(Pipe, tells_instead_of_waiting) {
    CountingWaker waker;  // outlives the pipe
    auto ends = *Pipe::create();
    ends.reader->set_waker(&waker);
    std::array<std::byte, 8> chunk;
    EXPECT_FALSE(ends.pipe->is_wanted());
    EXPECT_EQ(ends.reader->try_read(chunk).error(), Error::would_block);
    EXPECT_TRUE(ends.pipe->is_wanted());
    auto const before = waker.count.load();
    EXPECT_EQ(*ends.writer->try_write(as_bytes("abc")), 3u);
    EXPECT_GT(waker.count, before);
    EXPECT_EQ(*ends.reader->try_read(chunk), 3u);
    EXPECT_FALSE(ends.pipe->is_wanted());
    std::vector<std::byte> const much(Pipe::capacity);
    std::size_t written = 0;
    for (;;) {
        auto const count = ends.writer->try_write(much);
        if (!count) {
            EXPECT_EQ(count.error(), Error::would_block);
            break;
        }
        written += *count;
    }
    EXPECT_EQ(written, Pipe::capacity);
}

TEST(Pipe, closing_from_outside_wakes_a_waiting_reader) {
    auto ends = *Pipe::create();
    std::thread reader([&] {
        std::array<std::byte, 8> chunk;
        EXPECT_EQ(ends.reader->read(chunk).error(), Error::interrupted);
    });
    while (!ends.pipe->is_wanted())
        std::this_thread::yield();
    ends.pipe->close_reader();
    reader.join();
}

}  // namespace
}  // namespace astrata::chevron
