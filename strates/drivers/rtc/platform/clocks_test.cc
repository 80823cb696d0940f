#include "strates/drivers/rtc/platform/clocks.h"

#include <array>

#include <gtest/gtest.h>

namespace astrata::platform_rtc {
namespace {

Result<std::uint64_t> time_of(std::string_view kind, std::uint32_t first, std::uint32_t second) {
    std::array<std::uint32_t, 2> registers{first, second};
    return read_time(mmio::Window(std::as_writable_bytes(std::span(registers))), kind);
}

TEST(PlatformClocks, count_seconds_or_nanoseconds) {
    EXPECT_EQ(time_of("pl031", 1'700'000'000, 0), 1'700'000'000'000'000'000U);
    EXPECT_EQ(time_of("pl031", ~0U, 0), 4'294'967'295'000'000'000U);
    EXPECT_EQ(time_of("goldfish-rtc", 5, 7), (std::uint64_t{7} << 32) + 5);
}

TEST(PlatformClocks, give_an_error_where_there_is_no_clock) {
    EXPECT_EQ(time_of("goldfish-rtc", ~0U, ~0U).error(), Error::corrupt);
    EXPECT_EQ(time_of("cmos", 1, 1).error(), Error::not_supported);
}

}  // namespace
}  // namespace astrata::platform_rtc
