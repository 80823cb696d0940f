#include "strates/fs/kernel/tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace astrata::kernel_files {
namespace {

constexpr Units both{.cpus = 2, .numa_nodes = 2};

Node at(std::initializer_list<std::string_view> path, Units const& units = both) {
    auto node = root;
    for (auto const name : path)
        node = lookup(node, name, units).value();
    return node;
}

std::string contents(Node const& node) {
    Facts facts;
    facts.machine.interrupts = 7;
    facts.machine.memory_free = 4096;
    facts.cpu.switches = 99;
    facts.numa_node = {.memory_free = 8192, .remote_allocations = 3, .cpus = 0b1011'0111};
    TextBuffer<2048> text;
    append_contents(text, node, facts);
    return std::string(text.view());
}

// Names of all entries, read with room for few at a time.
std::vector<std::string> names(Node const& directory, std::size_t room) {
    std::vector<std::string> found;
    std::vector<std::byte> bytes(room);
    for (std::uint64_t cursor = 0;;) {
        auto const used = list(directory, cursor, both, bytes).value();
        if (used == 0)
            return found;
        for (std::size_t place = 0; place < used;) {
            cursor = 0;
            for (std::size_t i = 0; i < 8; ++i)
                cursor |= std::uint64_t{static_cast<std::uint8_t>(bytes[place + 8 + i])} << (8 * i);
            auto const length = static_cast<std::size_t>(bytes[place + 17]);
            found.emplace_back(as_text(Bytes(bytes).subspan(place + 18, length)));
            place += 18 + length;
        }
    }
}

TEST(KernelFiles, has_counters_of_the_machine_and_of_each_cpu) {
    EXPECT_TRUE(contents(at({"counters"})).contains("interrupts 7\n"));
    EXPECT_TRUE(contents(at({"memory"})).contains("free 4096\n"));
    EXPECT_EQ(contents(at({"cpu", "1", "switches"})), "99\n");
    EXPECT_EQ(at({"cpu", "1", "switches"}).unit, 1U);
    EXPECT_EQ(at({"cpu", "1", "..", "..", "cpu"}).number(), at({"cpu"}).number());
}

TEST(KernelFiles, has_counters_of_each_node_with_memory) {
    EXPECT_EQ(contents(at({"node", "0", "free"})), "8192\n");
    EXPECT_EQ(contents(at({"node", "1", "remote_allocations"})), "3\n");
    EXPECT_EQ(contents(at({"node", "1", "cpus"})), "0-2,4-5,7\n");
    EXPECT_EQ(at({"node", "1", "..", "..", "cpu"}).number(), at({"cpu"}).number());
    EXPECT_FALSE(node_of(at({"node", "1"}).number(), {.cpus = 2, .numa_nodes = 1}));
}

TEST(KernelFiles, lists_everything_in_pieces_of_any_size) {
    auto const whole = names(root, 4000);
    EXPECT_EQ(whole.size(), 9U);
    EXPECT_EQ(whole[2], "cpu");
    EXPECT_EQ(whole[3], "node");
    EXPECT_EQ(names(root, 40), whole);
    EXPECT_EQ(names(at({"cpu"}), 40), (std::vector<std::string>{".", "..", "0", "1"}));
}

TEST(KernelFiles, keeps_node_numbers_and_refuses_others) {
    for (auto const& node : {root, at({"cpu"}), at({"counters"}), at({"cpu", "1"}), at({"cpu", "1", "idle_ns"}),
                             at({"node"}), at({"node", "1"}), at({"node", "1", "free"})}) {
        auto const again = node_of(node.number(), both);
        ASSERT_TRUE(again);
        EXPECT_EQ(again->number(), node.number());
    }
    EXPECT_FALSE(node_of(0, both));
    EXPECT_FALSE(node_of(200, both));
    EXPECT_FALSE(node_of(at({"cpu", "1"}).number(), {.cpus = 1, .numa_nodes = 2}));
    EXPECT_FALSE(node_of(at({"counters"}).number() + (1 << 20), both));
    EXPECT_EQ(lookup(root, "nothing", both).error(), Error::not_found);
    EXPECT_EQ(lookup(at({"cpu"}), "2", both).error(), Error::not_found);
    EXPECT_EQ(lookup(at({"counters"}), "x", both).error(), Error::not_a_directory);
}

}  // namespace
}  // namespace astrata::kernel_files
