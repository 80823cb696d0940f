#include "lib/base/numbers.h"

#include <gtest/gtest.h>

namespace astrata {
namespace {

TEST(Numbers, ANumberIsTakenFromTheFront) {
    std::string_view text = "1fXg:12";
    EXPECT_EQ(take_number(text, 16), 0x1fu);
    EXPECT_EQ(text, "Xg:12");
    EXPECT_EQ(take_number(text, 16), std::nullopt);
    EXPECT_EQ(text, "Xg:12");
    text = "0012";
    EXPECT_EQ(take_number(text, 10), 12u);
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(take_number(text, 10), std::nullopt);
}

TEST(Numbers, WhatDoesNotFitIsRefused) {
    std::string_view largest = "18446744073709551615";
    EXPECT_EQ(take_number(largest, 10), ~std::uint64_t{0});
    std::string_view large = "18446744073709551616";
    EXPECT_EQ(take_number(large, 10), std::nullopt);
    EXPECT_EQ(large, "18446744073709551616");
    std::string_view digits = "fFffffffffffffff";
    EXPECT_EQ(take_number(digits, 16), ~std::uint64_t{0});
    std::string_view more = "10000000000000000";
    EXPECT_EQ(take_number(more, 16), std::nullopt);
}

TEST(Numbers, OtherBases) {
    std::string_view octal = "778";
    EXPECT_EQ(take_number(octal, 8), 63u);
    EXPECT_EQ(octal, "8");
    std::string_view sign = "-1";
    EXPECT_EQ(take_number(sign, 10), std::nullopt);
}

}  // namespace
}  // namespace astrata
