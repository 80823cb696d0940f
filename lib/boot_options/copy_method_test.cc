#include "lib/boot_options/copy_method.h"

#include <gtest/gtest.h>

namespace astrata {
namespace {

TEST(CopyMethod, IsTheOneThatIsNamed) {
    EXPECT_EQ(copy_method("copy=words"), CopyMethod::unrolled_words);
    EXPECT_EQ(copy_method("root=disk copy=string-words"), CopyMethod::string_words);
    EXPECT_EQ(copy_method("copy=words copy=string-bytes"), CopyMethod::string_bytes);
}

TEST(CopyMethod, IsUnknownOtherwise) {
    EXPECT_EQ(copy_method(""), std::nullopt);
    EXPECT_EQ(copy_method("copy"), std::nullopt);
    EXPECT_EQ(copy_method("copy=bytes"), std::nullopt);
}

}  // namespace
}  // namespace astrata
