#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <unordered_map>

#include "lib/containers/hash_map.h"
#include "lib/containers/ring_buffer.h"
#include "lib/containers/static_vector.h"
#include "lib/containers/string.h"
#include "lib/containers/text_builder.h"
#include "lib/containers/vector.h"

namespace astrata {
namespace {

TEST(Vector, grows_and_keeps_its_elements) {
    Vector<std::unique_ptr<int>> vector;
    for (int i = 0; i != 1000; ++i)
        ASSERT_TRUE(vector.push_back(std::make_unique<int>(i)));
    for (int i = 0; i != 1000; ++i)
        EXPECT_EQ(*vector[static_cast<std::size_t>(i)], i);
    vector.erase(0);
    EXPECT_EQ(*vector.front(), 1);
    vector.erase_unordered(0);
    EXPECT_EQ(*vector.front(), 999);
    EXPECT_EQ(vector.size(), 998u);
}

TEST(Vector, inserts_in_order) {
    Vector<int> vector;
    for (int const value : {1, 3, 4})
        ASSERT_TRUE(vector.push_back(value));
    ASSERT_TRUE(vector.insert(1, 2));
    ASSERT_TRUE(vector.insert(0, 0));
    ASSERT_TRUE(vector.insert(5, 5));
    EXPECT_TRUE(std::ranges::equal(vector.span(), std::array{0, 1, 2, 3, 4, 5}));
}

TEST(Vector, refuses_impossible_sizes) {
    Vector<std::uint64_t> vector;
    EXPECT_EQ(vector.reserve(~std::size_t{0}).error(), Error::no_memory);
    EXPECT_EQ(vector.resize(~std::size_t{0} / 8).error(), Error::no_memory);
    EXPECT_TRUE(vector.is_empty());
}

TEST(Vector, moves_leave_the_source_empty) {
    Vector<int> from;
    ASSERT_TRUE(from.push_back(1));
    Vector<int> to = std::move(from);
    EXPECT_EQ(to.size(), 1u);
    EXPECT_TRUE(from.push_back(2));  // NOLINT(bugprone-use-after-move): empty and usable is what we promise
    EXPECT_EQ(from.size(), 1u);
}

TEST(StaticVector, refuses_more_than_fits) {
    StaticVector<int, 2> vector;
    EXPECT_TRUE(vector.push_back(1));
    EXPECT_TRUE(vector.push_back(2));
    EXPECT_EQ(vector.push_back(3).error(), Error::no_resources);
    vector.erase(0);
    EXPECT_EQ(vector[0], 2);
}

TEST(HashMap, agrees_with_the_standard_one) {
    HashMap<std::uint64_t, int> map;
    std::unordered_map<std::uint64_t, int> model;
    std::mt19937 random(1);
    for (int step = 0; step != 20000; ++step) {
        std::uint64_t const key = random() % 500;
        if (random() % 3 != 0) {
            ASSERT_TRUE(map.set(key, step));
            model[key] = step;
        } else {
            EXPECT_EQ(map.remove(key).has_value(), model.erase(key) == 1);
        }
        ASSERT_EQ(map.size(), model.size());
    }
    for (auto const& [key, value] : model)
        EXPECT_EQ(*map.find(key), value);
    std::size_t visited = 0;
    for (auto const& entry : map) {
        EXPECT_EQ(model.at(entry.key), entry.value);
        ++visited;
    }
    EXPECT_EQ(visited, model.size());
}

TEST(HashMap, looks_strings_up_by_views) {
    HashMap<String, int> map;
    ASSERT_TRUE(map.insert(*String::from("one"), 1));
    EXPECT_EQ(map.insert(*String::from("one"), 2).error(), Error::already_exists);
    EXPECT_EQ(*map.find(std::string_view("one")), 1);
    EXPECT_EQ(map.find(std::string_view("two")), nullptr);
}

TEST(String, grows_and_compares) {
    String text;
    EXPECT_TRUE(text.append("abc"));
    EXPECT_TRUE(text.append('d'));
    EXPECT_EQ(text, "abcd");
    text.truncate(1);
    EXPECT_EQ(text.view(), "a");
}

TEST(RingBuffer, wraps_around) {
    auto ring = RingBuffer<char>::create(5);
    ASSERT_TRUE(ring);
    std::string written, read;
    std::mt19937 random(2);
    for (int step = 0; step != 1000; ++step) {
        std::string const chunk(random() % 4, static_cast<char>('a' + step % 26));
        written.append(chunk.substr(0, ring->write(chunk)));
        std::array<char, 3> into;
        read.append(into.data(), ring->read(std::span(into).first(random() % 4)));
    }
    while (auto const character = ring->pop_front())
        read.push_back(*character);
    EXPECT_EQ(read, written);
}

TEST(RingBuffer, refuses_when_full) {
    auto ring = RingBuffer<int>::create(2);
    ASSERT_TRUE(ring->push_back(1));
    ASSERT_TRUE(ring->push_front(0));
    EXPECT_EQ(ring->push_back(2).error(), Error::would_block);
    EXPECT_EQ(ring->pop_front(), 0);
    EXPECT_EQ(RingBuffer<int>::create(0).error(), Error::invalid_argument);
}

TEST(TextBuilder, formats_numbers_and_padding) {
    TextBuffer<64> text;
    text.append("pid ").append(42).append(' ').append(Hex{0xbeef, 8}).append(' ');
    text.decimal(7, 3).append('|').left("ab", 4).append('|').right("cd", 4).append(-5);
    EXPECT_EQ(text.view(), "pid 42 0x0000beef   7|ab  |  cd-5");
    EXPECT_FALSE(text.is_truncated());
}

TEST(TextBuilder, lists_bits_as_ranges) {
    TextBuffer<64> text;
    text.bit_list(0b10'1111).append(' ').bit_list(0).append(' ').bit_list(~std::uint64_t{0});
    text.append(' ').bit_list(std::uint64_t{1} << 63);
    EXPECT_EQ(text.view(), "0-3,5  0-63 63");
}

TEST(TextBuilder, cuts_off_what_does_not_fit) {
    TextBuffer<4> text;
    text.append("abc").append(1234);
    EXPECT_EQ(text.view(), "abc1");
    EXPECT_TRUE(text.is_truncated());
}

}  // namespace
}  // namespace astrata
