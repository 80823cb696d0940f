#include "strates/linux/exec/stack_layout.h"

#include <gtest/gtest.h>

namespace astrata::linux_abi {
namespace {

using namespace std::string_view_literals;

std::uint64_t word_at(StackImage const& image, std::uint64_t address) {
    return load<std::uint64_t>(image.bytes.span(), address - image.stack_pointer).value();
}
std::string_view text_at(StackImage const& image, std::uint64_t address) {
    auto text = as_text(image.bytes.span()).substr(address - image.stack_pointer);
    return text.substr(0, text.find('\0'));
}

TEST(StackLayout, is_what_the_system_v_abi_says) {
    std::array<AuxiliaryEntry, 2> auxiliary = {{{AuxiliaryKind::page_size, 4096}, {AuxiliaryKind::entry, 0x401000}}};
    auto image = build_stack({.top = 0x7fff0000,
                              .arguments = "echo\0hello\0\0"sv,
                              .argument_count = 3,
                              .environment = "PATH=/bin\0"sv,
                              .environment_count = 1,
                              .executable_name = "/bin/echo",
                              .platform = "x86_64",
                              .random = {std::byte{0xab}},
                              .auxiliary = auxiliary});
    ASSERT_TRUE(image.has_value());
    auto sp = image->stack_pointer;
    EXPECT_EQ(sp % 16, 0u);
    EXPECT_EQ(sp + image->bytes.size(), 0x7fff0000u);
    EXPECT_EQ(word_at(*image, sp), 3u);
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 8)), "echo");
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 16)), "hello");
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 24)), "");
    EXPECT_EQ(word_at(*image, sp + 32), 0u);
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 40)), "PATH=/bin");
    EXPECT_EQ(word_at(*image, sp + 48), 0u);
    EXPECT_EQ(image->auxiliary_start, sp + 56);
    EXPECT_EQ(word_at(*image, sp + 56), 6u);
    EXPECT_EQ(word_at(*image, sp + 64), 4096u);
    EXPECT_EQ(word_at(*image, sp + 88), 25u);
    auto random_at = word_at(*image, sp + 96);
    EXPECT_EQ(random_at % 16, 0u);
    EXPECT_EQ(word_at(*image, random_at) & 0xff, 0xabu);
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 112)), "/bin/echo");
    EXPECT_EQ(text_at(*image, word_at(*image, sp + 128)), "x86_64");
    EXPECT_EQ(word_at(*image, sp + 136), 0u);
    EXPECT_EQ(image->auxiliary_length, 6u * 16);
    EXPECT_EQ(image->arguments_end - image->arguments_start, 12u);
}

TEST(StackLayout, stands_without_arguments_and_environment) {
    auto image = build_stack({.top = 0x10000, .executable_name = "x"});
    ASSERT_TRUE(image.has_value());
    EXPECT_EQ(word_at(*image, image->stack_pointer), 0u);
    EXPECT_EQ(word_at(*image, image->stack_pointer + 8), 0u);
    EXPECT_EQ(word_at(*image, image->stack_pointer + 16), 0u);
    // No platform: random bytes, name, end.
    EXPECT_EQ(image->auxiliary_length, 3u * 16);
}

}  // namespace
}  // namespace astrata::linux_abi
