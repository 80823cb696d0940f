#include "lib/numa/node_map.h"

#include <gtest/gtest.h>

namespace astrata::numa {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

TEST(NodeMap, is_one_node_until_told_otherwise) {
    NodeMap const map;
    EXPECT_EQ(map.count(), 1U);
    EXPECT_EQ(map.node_of_processor(7), 0U);
    EXPECT_EQ(map.distance(0, 0), local_distance);
    EXPECT_EQ(map.nearest_first(0)[0], 0U);
}

TEST(NodeMap, numbers_domains_as_they_come_and_sorts_memory) {
    NodeMap map;
    EXPECT_TRUE(map.add_processor(900, 1));
    EXPECT_TRUE(map.add_memory(5, {64 * mebibyte}, 64 * mebibyte));
    EXPECT_TRUE(map.add_memory(900, {0}, 64 * mebibyte));
    EXPECT_TRUE(map.add_memory(900, {256 * mebibyte}, 0));
    ASSERT_EQ(map.count(), 2U);
    EXPECT_EQ(map.node_of_processor(1), 0U);
    ASSERT_EQ(map.memory().size(), 2U);
    EXPECT_EQ(map.memory()[0].node, 0U);
    EXPECT_EQ(map.memory()[1].start, PhysAddr{64 * mebibyte});
    EXPECT_EQ(map.memory()[1].node, 1U);
}

TEST(NodeMap, refuses_contradictions) {
    NodeMap map;
    EXPECT_TRUE(map.add_memory(0, {mebibyte}, mebibyte));
    EXPECT_EQ(map.add_memory(1, {mebibyte + 4096}, mebibyte).error(), Error::corrupt);
    EXPECT_EQ(map.add_memory(1, {0}, 3 * mebibyte).error(), Error::corrupt);
    EXPECT_EQ(map.add_memory(1, {~std::uint64_t{4095}}, 2 * 4096).error(), Error::corrupt);
    EXPECT_TRUE(map.add_processor(0, 3));
    EXPECT_TRUE(map.add_processor(0, 3));
    EXPECT_EQ(map.add_processor(1, 3).error(), Error::corrupt);
}

TEST(NodeMap, bounds_what_it_takes) {
    NodeMap nodes;
    for (std::uint32_t domain = 0; domain < node_limit; ++domain)
        EXPECT_TRUE(nodes.add_processor(domain, domain));
    EXPECT_EQ(nodes.add_processor(node_limit, 99).error(), Error::no_resources);
    EXPECT_EQ(nodes.add_memory(node_limit, {0}, 4096).error(), Error::no_resources);
    NodeMap parts;
    for (std::uint64_t part = 0; part < NodeMap::part_limit; ++part)
        EXPECT_TRUE(parts.add_memory(0, {part * 2 * mebibyte}, mebibyte));
    EXPECT_EQ(parts.add_memory(0, {1000 * mebibyte}, mebibyte).error(), Error::no_resources);
    NodeMap processors;
    for (std::uint32_t id = 0; id < NodeMap::processor_limit; ++id)
        EXPECT_TRUE(processors.add_processor(0, id));
    EXPECT_EQ(processors.add_processor(0, 1000).error(), Error::no_resources);
}

TEST(NodeMap, goes_to_nearer_nodes_first_and_refuses_absurd_distances) {
    NodeMap map;
    for (std::uint32_t domain = 0; domain < 4; ++domain)
        EXPECT_TRUE(map.add_processor(domain, domain));
    auto const by_ring = [](std::uint32_t from, std::uint32_t to) -> Result<std::uint8_t> {
        auto const apart = (to + 4 - from) % 4;
        return static_cast<std::uint8_t>(apart == 0 ? 10 : apart == 2 ? 31 : 21);
    };
    EXPECT_TRUE(map.set_distances(by_ring));
    auto const order = map.nearest_first(3);
    EXPECT_EQ((std::array{order[0], order[1], order[2], order[3]}), (std::array<std::uint8_t, 4>{3, 0, 2, 1}));
    EXPECT_EQ(map.set_distances([](auto, auto) -> Result<std::uint8_t> { return std::uint8_t{10}; }).error(),
              Error::corrupt);
    EXPECT_EQ(map.set_distances([](auto, auto) -> Result<std::uint8_t> { return std::uint8_t{20}; }).error(),
              Error::corrupt);
    EXPECT_EQ(map.set_distances([](auto, auto) -> Result<std::uint8_t> { return fail(Error::out_of_range); }).error(),
              Error::out_of_range);
    EXPECT_EQ(map.distance(3, 1), 31U);
}

}  // namespace
}  // namespace astrata::numa
