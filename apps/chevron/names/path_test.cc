#include "apps/chevron/names/path.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::chevron {
namespace {

std::string go(std::string_view from, std::string_view path) {
    Path made;
    EXPECT_TRUE(made.go(from));
    EXPECT_TRUE(made.go(path));
    return std::string(made.view());
}

TEST(Path, goes_along_components) {
    EXPECT_EQ(go("/", "a/b"), "/a/b");
    EXPECT_EQ(go("/a", "b//c/"), "/a/b/c");
    EXPECT_EQ(go("/a/b", "/c"), "/c");
    EXPECT_EQ(go("/a/b", ".."), "/a");
    EXPECT_EQ(go("/a", "../../.."), "/");
    EXPECT_EQ(go("/a", "./././b/../c"), "/a/c");
    EXPECT_EQ(go("/a", ""), "/a");
    EXPECT_EQ(go("/a", "..b/.c"), "/a/..b/.c");
}

TEST(Path, knows_its_parts) {
    Path path;
    EXPECT_EQ(path.last_component(), "");
    EXPECT_EQ(path.parent(), "/");
    ASSERT_TRUE(path.go("a/bc"));
    EXPECT_EQ(path.last_component(), "bc");
    EXPECT_EQ(path.parent(), "/a");
    path.go_up();
    EXPECT_EQ(path.parent(), "/");
    EXPECT_EQ(path.view(), "/a");
}

TEST(Path, refuses_what_is_too_long_and_stays) {
    Path path;
    ASSERT_TRUE(path.go(std::string(4095, 'x')));
    EXPECT_EQ(path.view().size(), Path::limit);
    EXPECT_EQ(path.go("y").error(), Error::name_too_long);
    EXPECT_EQ(path.view().size(), Path::limit);
}

TEST(Path, is_within_by_whole_components) {
    EXPECT_TRUE(is_within("/", "/a"));
    EXPECT_TRUE(is_within("/a", "/a"));
    EXPECT_TRUE(is_within("/a", "/a/b"));
    EXPECT_FALSE(is_within("/a", "/ab"));
}

}  // namespace
}  // namespace astrata::chevron
