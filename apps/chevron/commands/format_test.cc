#include "apps/chevron/commands/format.h"

#include <gtest/gtest.h>

#include <string>

namespace astrata::chevron {
namespace {

template <typename Append, typename... Arguments>
std::string text_of(Append append, Arguments... arguments) {
    ShortText text;
    append(text, arguments...);
    return std::string(text.view());
}

TEST(Format, sizes) {
    EXPECT_EQ(text_of(append_size, 0u), "0");
    EXPECT_EQ(text_of(append_size, 1023u), "1023");
    EXPECT_EQ(text_of(append_size, 1024u), "1.0K");
    EXPECT_EQ(text_of(append_size, 1536u), "1.5K");
    EXPECT_EQ(text_of(append_size, 268435456u), "256.0M");
    EXPECT_EQ(text_of(append_size, ~std::uint64_t{0}), "15.9E");
}

TEST(Format, percentages) {
    EXPECT_EQ(text_of(append_percent, 1u, 3u), "33.3%");
    EXPECT_EQ(text_of(append_percent, 5u, 0u), "0.0%");
    EXPECT_EQ(text_of(append_percent, 3u, 2u), "150.0%");
    EXPECT_EQ(text_of(append_percent, ~std::uint64_t{0} / 2, ~std::uint64_t{0}), "49.9%");
}

TEST(Format, times) {
    EXPECT_EQ(text_of(append_uptime, 3'723'000'000'000u), "01:02:03");
    EXPECT_EQ(text_of(append_uptime, 90'061'000'000'000u), "1d 01:01:01");
    EXPECT_EQ(text_of(append_seconds, 12'345'678'901u), "12.345");
}

TEST(Format, dates) {
    EXPECT_EQ(text_of(append_date, 0), "Thu 1970-01-01 00:00:00 UTC");
    EXPECT_EQ(text_of(append_date, 951'782'400), "Tue 2000-02-29 00:00:00 UTC");
    EXPECT_EQ(text_of(append_date, 1'795'162'605), "Fri 2026-11-20 08:16:45 UTC");
    EXPECT_EQ(text_of(append_date, -1), "Wed 1969-12-31 23:59:59 UTC");
    EXPECT_EQ(text_of(append_date, std::int64_t{4'107'542'399}), "Sun 2100-02-28 23:59:59 UTC");
    EXPECT_EQ(text_of(append_date, std::int64_t{4'107'542'400}), "Mon 2100-03-01 00:00:00 UTC");
}

TEST(Format, modes) {
    EXPECT_EQ(text_of(append_mode, '-', 0644u), "-rw-r--r--");
    EXPECT_EQ(text_of(append_mode, 'd', 01777u), "drwxrwxrwt");
    EXPECT_EQ(text_of(append_mode, '-', 04755u), "-rwsr-xr-x");
    EXPECT_EQ(text_of(append_mode, '-', 02644u), "-rw-r-Sr--");
}

TEST(ParseSize, takes_units) {
    EXPECT_EQ(parse_size("4096"), 4096u);
    EXPECT_EQ(parse_size("64M"), 64u << 20);
    EXPECT_EQ(parse_size("1g"), 1u << 30);
    EXPECT_EQ(parse_size(""), std::nullopt);
    EXPECT_EQ(parse_size("M"), std::nullopt);
    EXPECT_EQ(parse_size("-1"), std::nullopt);
    EXPECT_EQ(parse_size("1x"), std::nullopt);
    EXPECT_EQ(parse_size("99999999999999999G"), std::nullopt);
}

}  // namespace
}  // namespace astrata::chevron
