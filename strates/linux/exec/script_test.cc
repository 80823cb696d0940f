#include "strates/linux/exec/script.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::linux_abi {
namespace {

TEST(ScriptLine, splits_interpreter_and_one_argument) {
    auto line = parse_script_line("#! /bin/sh  -e  x \nrest");
    ASSERT_TRUE(line.has_value() && line->has_value());
    EXPECT_EQ((*line)->interpreter, "/bin/sh");
    EXPECT_EQ((*line)->argument, "-e  x");
}

TEST(ScriptLine, needs_no_argument_and_no_newline) {
    auto line = parse_script_line("#!/bin/sh");
    ASSERT_TRUE(line.has_value() && line->has_value());
    EXPECT_EQ((*line)->interpreter, "/bin/sh");
    EXPECT_EQ((*line)->argument, "");
}

TEST(ScriptLine, leaves_other_files_alone) {
    EXPECT_FALSE(parse_script_line("\x7f"
                                   "ELF")
                     ->has_value());
    EXPECT_FALSE(parse_script_line("")->has_value());
}

TEST(ScriptLine, refuses_a_missing_or_cut_interpreter) {
    EXPECT_EQ(parse_script_line("#!   \n").error(), Errno::enoexec);
    EXPECT_EQ(parse_script_line("#!" + std::string(script_line_limit - 2, 'x')).error(), Errno::enoexec);
}

}  // namespace
}  // namespace astrata::linux_abi
