#include "strates/session/input_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace astrata::session {
namespace {

void put(InputQueue& queue, std::string_view text) {
    auto const space = queue.space();
    ASSERT_GE(space.size(), text.size());
    std::ranges::copy(as_bytes(text), space.begin());
    queue.added(text.size());
}

std::string take(InputQueue& queue, std::size_t limit) {
    return std::string(as_text(queue.take(limit)));
}

TEST(InputQueue, hands_on_in_order) {
    auto queue = std::make_unique<InputQueue>();
    put(*queue, "abc");
    EXPECT_EQ(take(*queue, 2), "ab");
    put(*queue, "d");
    EXPECT_EQ(take(*queue, 10), "cd");
    EXPECT_TRUE(queue->is_empty());
    EXPECT_FALSE(queue->is_at_end());
}

TEST(InputQueue, ends_exactly_where_it_was_closed) {
    auto queue = std::make_unique<InputQueue>();
    put(*queue, "ab");
    queue->close_after(4);
    EXPECT_FALSE(queue->is_at_end());
    EXPECT_EQ(queue->outstanding(), 2u);
    put(*queue, "cd");
    EXPECT_TRUE(queue->is_at_end());
    EXPECT_FALSE(queue->is_empty());
    EXPECT_TRUE(queue->space().empty());
    EXPECT_EQ(take(*queue, 10), "abcd");
    EXPECT_TRUE(queue->is_empty());
}

TEST(InputQueue, may_be_closed_before_or_after_the_bytes) {
    auto empty = std::make_unique<InputQueue>();
    empty->close_after(0);
    EXPECT_TRUE(empty->is_at_end());
    auto late = std::make_unique<InputQueue>();
    put(*late, "abcdef");
    EXPECT_EQ(take(*late, 2), "ab");
    late->close_after(3);
    EXPECT_TRUE(late->is_at_end());
    EXPECT_EQ(take(*late, 10), "c");
    auto too_late = std::make_unique<InputQueue>();
    put(*too_late, "abc");
    EXPECT_EQ(take(*too_late, 3), "abc");
    too_late->close_after(1);
    EXPECT_TRUE(too_late->is_at_end());
    EXPECT_TRUE(too_late->is_empty());
}

TEST(InputQueue, makes_room_by_moving_up) {
    auto queue = std::make_unique<InputQueue>();
    put(*queue, std::string(InputQueue::capacity, 'x'));
    EXPECT_TRUE(queue->space().empty());
    EXPECT_EQ(take(*queue, 100).size(), 100u);
    EXPECT_EQ(queue->space().size(), 100u);
    put(*queue, "yz");
    EXPECT_EQ(take(*queue, InputQueue::capacity).substr(InputQueue::capacity - 100), "yz");
}

}  // namespace
}  // namespace astrata::session
