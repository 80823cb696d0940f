#include "strates/drivers/random/virtio-rng/source.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/virtio/simulated_transport.h"

namespace astrata::virtio_rng {
namespace {

class SourceTest : public testing::Test {
protected:
    virtio::SharedDma dma{1 << 16};
    virtio::SimulatedTransport transport{dma, 0, 1};

    // The device answers the open request with `count` bytes of `value`, and says that it were `claimed`.
    void answer(std::size_t count, std::byte value, std::uint32_t claimed) {
        auto& queue = transport.queue(0);
        auto const chain = queue.next();
        ASSERT_TRUE(chain);
        ASSERT_EQ(chain->writable.size(), 1u);
        ASSERT_EQ(chain->writable[0].length, request_bytes);
        std::ranges::fill(dma.memory.at(chain->writable[0].device_address, count), value);
        (void)queue.complete(chain->head, claimed);
    }
};

TEST_F(SourceTest, gives_what_the_device_gave_and_leaves_nothing_behind) {
    auto const source = Source::create(transport, dma, 0).value();
    EXPECT_EQ(source->take().value(), std::nullopt);
    for (auto const& [count, value] :
         {std::pair(64u, std::byte{7}), std::pair(1u, std::byte{9}), std::pair(20u, std::byte{11})}) {
        ASSERT_TRUE(source->request());
        EXPECT_EQ(source->request().error(), Error::would_block);
        EXPECT_EQ(source->take().value(), std::nullopt);
        answer(count, value, count);
        auto const taken = source->take().value();
        ASSERT_TRUE(taken);
        EXPECT_EQ(taken->size(), count);
        EXPECT_EQ(std::ranges::count(*taken, value), count);
        EXPECT_EQ(std::ranges::count(dma.memory.bytes(), value), 0);
    }
    EXPECT_EQ(transport.notified.count(0), 3u);
}

TEST_F(SourceTest, refuses_devices_that_give_nothing_or_too_much) {
    auto const source = Source::create(transport, dma, 0).value();
    ASSERT_TRUE(source->request());
    answer(0, std::byte{}, 0);
    EXPECT_EQ(source->take().error(), Error::io);
    auto const other = Source::create(transport, dma, 0);
    ASSERT_TRUE(other);
}

TEST_F(SourceTest, takes_no_more_than_there_is_room_for) {
    auto const source = Source::create(transport, dma, 0).value();
    ASSERT_TRUE(source->request());
    answer(64, std::byte{3}, 1000);
    auto const taken = source->take();
    EXPECT_TRUE(!taken || taken.value()->size() <= request_bytes);
}

TEST_F(SourceTest, refuses_devices_without_a_queue) {
    virtio::SimulatedTransport bare{dma, 0, 0};
    EXPECT_EQ(Source::create(bare, dma, 0).error(), Error::not_found);
}

}  // namespace
}  // namespace astrata::virtio_rng
