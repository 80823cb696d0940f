#include "kernel/log/printable.h"

#include <string>

#include <gtest/gtest.h>

namespace astrata::kernel {
namespace {

TEST(Printable, a_line_cannot_contain_another_one_or_control_the_terminal) {
    std::string line = "text\n[0.000001] forged\r\x1b[2J\x7f";
    line.push_back('\0');
    make_printable(line);
    EXPECT_EQ(line, "text?[0.000001] forged??[2J??");
}

TEST(Printable, text_in_any_language_and_tabs_stay) {
    std::string line = "\tgr\u00fc\u00df ~";
    auto const original = line;
    make_printable(line);
    EXPECT_EQ(line, original);
}

}  // namespace
}  // namespace astrata::kernel
