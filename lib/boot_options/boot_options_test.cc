#include "lib/boot_options/boot_options.h"

#include <gtest/gtest.h>

namespace astrata {
namespace {

TEST(BootOptions, finds_the_last_word_of_a_name) {
    constexpr std::string_view line = " root=archive  session=virtio quiet root=disk2\n";
    EXPECT_EQ(boot_option(line, "root"), "disk2");
    EXPECT_EQ(boot_option(line, "session"), "virtio");
    EXPECT_EQ(boot_option(line, "quiet"), "");
    EXPECT_EQ(boot_option(line, "roo"), std::nullopt);
    EXPECT_EQ(boot_option(line, "rootx"), std::nullopt);
    EXPECT_EQ(boot_option("", "root"), std::nullopt);
}

TEST(BootOptions, names_the_root) {
    EXPECT_EQ(root_scheme(""), "archive");
    EXPECT_EQ(root_scheme("root="), "archive");
    EXPECT_EQ(root_scheme("root=archive"), "archive");
    EXPECT_EQ(root_scheme("root=disk"), "ext4");
    EXPECT_EQ(root_scheme("root=other"), "other");
}

TEST(BootOptions, reads_the_terminal) {
    EXPECT_EQ(terminal_cells("terminal=120x40").columns, 120u);
    EXPECT_EQ(terminal_cells("terminal=120x40").rows, 40u);
    for (auto const* wrong : {"", "terminal=", "terminal=80", "terminal=80x", "terminal=x25", "terminal=80x25x",
                              "terminal=0x1", "terminal=99999x25", "terminal=8 0x25"})
        EXPECT_EQ(terminal_cells(wrong).columns, 0u) << wrong;
}

}  // namespace
}  // namespace astrata
