#include <gtest/gtest.h>

#include <string>

#include "apps/chevron/completer.h"

namespace astrata::chevron {
namespace {

std::string describe(std::string_view line) {
    auto const word = word_at(line, line.size());
    return std::string(line.substr(word.start)) +
           (word.is_command ? " command"
                            : " argument " + std::to_string(word.position) + " of " + std::string(word.command));
}

TEST(WordAtCursor, tells_commands_from_arguments) {
    EXPECT_EQ(describe(""), " command");
    EXPECT_EQ(describe("l"), "l command");
    EXPECT_EQ(describe("ls "), " argument 0 of ls");
    EXPECT_EQ(describe("ls -l /b"), "/b argument 1 of ls");
    EXPECT_EQ(describe("ls /b | gr"), "gr command");
    EXPECT_EQ(describe("a && b; c & d x"), "x argument 0 of d");
    EXPECT_EQ(describe("if tr"), "tr command");
    EXPECT_EQ(describe("A=1 b"), "b command");
}

TEST(WordAtCursor, redirections_name_files) {
    EXPECT_EQ(describe("echo a > f"), "f argument 1 of ");
    EXPECT_EQ(describe("echo a >"), " argument 1 of ");
    EXPECT_EQ(describe("echo a > f b"), "b argument 1 of echo");
}

TEST(WordAtCursor, keeps_escaped_blanks_inside) {
    EXPECT_EQ(describe("cat a\\ b"), "a\\ b argument 0 of cat");
}

}  // namespace
}  // namespace astrata::chevron
