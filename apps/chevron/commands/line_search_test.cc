#include "apps/chevron/commands/line_search.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace astrata::chevron {
namespace {

bool matches(std::string_view text, std::string_view line, bool ignores_case = false) {
    LineSearch search;
    search.ignores_case = ignores_case;
    search.set(text);
    return search.matches(line);
}

TEST(LineSearch, finds_texts) {
    EXPECT_TRUE(matches("b", "abc"));
    EXPECT_FALSE(matches("d", "abc"));
    EXPECT_TRUE(matches("", "abc"));
    EXPECT_TRUE(matches("", ""));
    EXPECT_TRUE(matches("aab", "aaab"));
    EXPECT_FALSE(matches("B", "abc"));
    EXPECT_TRUE(matches("B", "abc", true));
}

TEST(LineSearch, holds_to_the_ends) {
    EXPECT_TRUE(matches("^ab", "abc"));
    EXPECT_FALSE(matches("^bc", "abc"));
    EXPECT_TRUE(matches("bc$", "abc"));
    EXPECT_FALSE(matches("ab$", "abc"));
    EXPECT_TRUE(matches("^abc$", "abc"));
    EXPECT_TRUE(matches("^$", ""));
    EXPECT_FALSE(matches("^$", "a"));
}

TEST(LineCutter, cuts_lines_across_reads) {
    std::vector<std::byte> storage(8);
    LineCutter cutter(storage);
    std::string result;
    for (std::string_view input = "one\ntwo\n\nmuch too long\nend"; !input.empty();) {
        auto const space = cutter.space();
        ASSERT_FALSE(space.empty());
        auto const count = std::min<std::size_t>({space.size(), input.size(), 3});
        std::ranges::copy(as_bytes(input.substr(0, count)), space.begin());
        input.remove_prefix(count);
        cutter.added(count);
        while (auto const line = cutter.next())
            result += "[" + std::string(*line) + "]";
    }
    result += "(" + std::string(cutter.rest()) + ")";
    EXPECT_EQ(result, "[one][two][][much too][ long](end)");
    EXPECT_EQ(cutter.rest(), "");
}

}  // namespace
}  // namespace astrata::chevron
