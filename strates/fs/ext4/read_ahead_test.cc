#include <gtest/gtest.h>

#include "strates/fs/ext4/read_ahead.h"

namespace astrata::ext4_strate {
namespace {

constexpr std::uint64_t page_count = 1000;

TEST(ReadAhead, reads_the_neighbourhood_of_a_lone_page) {
    ReadAhead pages;
    EXPECT_EQ(pages.on_request({.first = 37, .count = 1}, page_count), (PageRun{.first = 32, .count = 16}));
    EXPECT_EQ(pages.on_supplied({.first = 32, .count = 16}, page_count), PageRun{});
    EXPECT_EQ(pages.on_request({.first = 999, .count = 1}, page_count), (PageRun{.first = 992, .count = 8}));
    EXPECT_EQ(pages.on_request({.first = 0, .count = 1}, 1), (PageRun{.first = 0, .count = 1}));
}

TEST(ReadAhead, grows_while_pages_are_read_in_order) {
    ReadAhead pages;
    auto run = pages.on_request({.first = 0, .count = 16}, page_count);
    EXPECT_EQ(run, (PageRun{.first = 0, .count = 16}));
    EXPECT_EQ(pages.on_supplied(run, page_count), PageRun{}) << "one request is no order yet";
    run = pages.on_request({.first = 16, .count = 1}, page_count);
    EXPECT_EQ(run, (PageRun{.first = 16, .count = 32}));
    run = pages.on_supplied(run, page_count);
    EXPECT_EQ(run, (PageRun{.first = 48, .count = 32}));
    pages.on_hit();
    run = pages.on_supplied(run, page_count);
    EXPECT_EQ(run, (PageRun{.first = 80, .count = 64}));
    pages.on_hit();
    run = pages.on_supplied(run, page_count);
    EXPECT_EQ(run, (PageRun{.first = 144, .count = 64})) << "and no further";
}

TEST(ReadAhead, starts_over_after_a_jump) {
    ReadAhead pages;
    auto run = pages.on_request({.first = 0, .count = 16}, page_count);
    pages.on_supplied(run, page_count);
    run = pages.on_request({.first = 16, .count = 1}, page_count);
    pages.on_supplied(run, page_count);
    EXPECT_EQ(pages.on_request({.first = 500, .count = 4}, page_count), (PageRun{.first = 500, .count = 16}));
    EXPECT_EQ(pages.on_supplied({.first = 500, .count = 16}, page_count), PageRun{});
}

TEST(ReadAhead, stays_inside_the_file) {
    ReadAhead pages;
    EXPECT_EQ(pages.on_request({.first = 990, .count = 32}, page_count), (PageRun{.first = 990, .count = 10}));
    EXPECT_EQ(pages.on_supplied({.first = 990, .count = 10}, page_count), PageRun{});
    EXPECT_EQ(pages.on_request({.first = 5, .count = ~std::uint64_t{0}}, page_count),
              (PageRun{.first = 5, .count = 995}));
}

}  // namespace
}  // namespace astrata::ext4_strate
