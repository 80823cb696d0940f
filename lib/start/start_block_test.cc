#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lib/start/start_block.h"

namespace astrata::start {
namespace {

TEST(StartBlock, returns_what_was_written) {
    StartBlockWriter writer({.process = 1, .home = 2, .silo = 3, .thread = 4, .log = 5}, "virtio-blk.0", 7);
    ASSERT_TRUE(writer.add_grant({.role = 1, .index = 0, .handle = 100}));
    ASSERT_TRUE(writer.add_grant({.role = 1, .index = 1, .handle = 101}));
    ASSERT_TRUE(writer.add_argument("first"));
    ASSERT_TRUE(writer.add_argument(""));
    ASSERT_TRUE(writer.add_argument("third one"));
    auto const block = StartBlock::parse(writer.finish());
    ASSERT_TRUE(block);
    EXPECT_EQ(block->header().own.log, 5u);
    EXPECT_EQ(block->header().instance, 7u);
    EXPECT_EQ(block->header().instance_name.view(), "virtio-blk.0");
    EXPECT_EQ(block->grant(1, 1), 101u);
    EXPECT_EQ(block->grant(2), 0u);
    EXPECT_EQ(block->argument_count(), 3u);
    EXPECT_EQ(block->argument(0), "first");
    EXPECT_EQ(block->argument(1), "");
    EXPECT_EQ(block->argument(2), "third one");
    EXPECT_EQ(block->argument(3), "");
}

TEST(StartBlock, fills_up_with_an_error) {
    StartBlockWriter writer({}, "x", 0);
    Result<> added;
    for (unsigned i = 0; added; ++i) {
        ASSERT_LT(i, 1000u);
        added = writer.add_grant({.role = i, .index = 0, .handle = i});
    }
    EXPECT_EQ(added.error(), Error::no_resources);
    EXPECT_EQ(writer.add_argument(std::string(5000, 'x')).error(), Error::no_resources);
    EXPECT_EQ(writer.add_argument(std::string_view("a\0b", 3)).error(), Error::invalid_argument);
    EXPECT_TRUE(StartBlock::parse(writer.finish()));
}

TEST(StartBlock, refuses_damaged_blocks) {
    StartBlockWriter writer({}, "x", 0);
    ASSERT_TRUE(writer.add_grant({.role = 1, .index = 0, .handle = 1}));
    ASSERT_TRUE(writer.add_argument("abc"));
    auto const good = writer.finish();
    for (std::size_t size = 0; size != good.size(); ++size)
        EXPECT_FALSE(StartBlock::parse(good.first(size))) << size;
    std::vector<std::byte> bad(good.begin(), good.end());
    bad.back() = std::byte{'x'};  // the argument's end
    EXPECT_EQ(StartBlock::parse(bad).error(), Error::corrupt);
    bad.assign(good.begin(), good.end());
    bad[8] = std::byte{9};  // version
    EXPECT_EQ(StartBlock::parse(bad).error(), Error::not_supported);
    bad.assign(good.begin(), good.end());
    bad[60] = std::byte{0xff};  // grants
    EXPECT_EQ(StartBlock::parse(bad).error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::start
