#include "strates/linux/personality/parameters.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::linux_abi {

// Strings that come from programs play no part here.
LinuxResult<std::size_t> copy_string_from_guest(std::span<char>, GuestAddress) {
    return fail(Errno::efault);
}
LinuxResult<> copy_from_guest(MutableBytes, GuestAddress) {
    return fail(Errno::efault);
}

namespace {

using namespace std::string_view_literals;

TEST(Parameters, are_directory_count_arguments_and_environment) {
    JobRequest request;
    ASSERT_TRUE(parse_parameters("/tmp\0002\0sh\0-c x\0HOME=/\0A=\0"sv, request).has_value());
    EXPECT_EQ(request.directory.view(), "/tmp");
    EXPECT_EQ(request.arguments.count(), 2u);
    EXPECT_EQ(request.arguments.packed(), "sh\0-c x\0"sv);
    EXPECT_EQ(request.environment.count(), 2u);
    EXPECT_EQ(request.environment.packed(), "HOME=/\0A=\0"sv);
}

TEST(Parameters, may_lack_directory_and_environment) {
    JobRequest request;
    ASSERT_TRUE(parse_parameters("\0001\0true\0"sv, request).has_value());
    EXPECT_EQ(request.directory.view(), "/");
    EXPECT_EQ(request.environment.count(), 0u);
}

TEST(Parameters, are_refused_when_malformed) {
    for (auto text : {""sv, "/"sv, "/\0"sv, "/\0001"sv, "/\0000\0"sv, "/\0x\0a\0"sv, "/\0002\0a\0"sv, "/\0001\0a"sv,
                      "/\0001\0a\0B=1"sv, "/\000-1\0a\0"sv, "/\00099999999999999999999\0a\0"sv}) {
        JobRequest request;
        EXPECT_EQ(parse_parameters(text, request).error(), Error::invalid_argument) << text;
    }
}

TEST(Parameters, are_refused_when_one_is_longer_than_linux_allows) {
    JobRequest request;
    auto text = std::string("/\0001\0"sv) + std::string(ProgramStrings::string_limit, 'x') + '\0';
    EXPECT_EQ(parse_parameters(text, request).error(), Error::invalid_argument);
}

TEST(ProgramStrings, prepend_and_remove_keep_the_order) {
    ProgramStrings strings;
    ASSERT_TRUE(strings.append("script", 4096).has_value());
    ASSERT_TRUE(strings.append("argument", 4096).has_value());
    strings.remove_first();
    ASSERT_TRUE(strings.prepend("/a/script", 4096).has_value());
    ASSERT_TRUE(strings.prepend("/bin/sh", 4096).has_value());
    EXPECT_EQ(strings.packed(), "/bin/sh\0/a/script\0argument\0"sv);
    EXPECT_EQ(strings.first(), "/bin/sh");
    EXPECT_EQ(strings.append("too much", 40).error(), Errno::e2big);
}

}  // namespace
}  // namespace astrata::linux_abi
