#include "strates/drivers/rtc/cmos/rtc.h"

#include <gtest/gtest.h>

#include <array>

namespace astrata::cmos_rtc {
namespace {

class FakeRegisters final : public Registers {
public:
    std::array<std::uint8_t, 128> values{};
    int updates_left = 0;  // reads of status A that still show an update
    int changes_left = 0;  // snapshots during which the seconds change
    std::uint8_t read(std::uint8_t index) override {
        if (index == 0x0a && updates_left > 0) {
            --updates_left;
            return 0x80;
        }
        if (index == 0x00 && changes_left > 0) {
            --changes_left;
            return static_cast<std::uint8_t>(values[0] ^ (changes_left & 1 ? 1 : 2));
        }
        return values[index];
    }
    void set(std::uint8_t second, std::uint8_t minute, std::uint8_t hour, std::uint8_t day, std::uint8_t month,
             std::uint8_t year, std::uint8_t century, std::uint8_t format) {
        values[0] = second;
        values[2] = minute;
        values[4] = hour;
        values[7] = day;
        values[8] = month;
        values[9] = year;
        values[0x32] = century;
        values[0x0b] = format;
    }
};

TEST(Calendar, known_days) {
    EXPECT_EQ(days_since_1970(1970, 1, 1), 0);
    EXPECT_EQ(days_since_1970(2000, 2, 29), 11'016);
    EXPECT_EQ(days_since_1970(2000, 3, 1), 11'017);
    EXPECT_EQ(days_since_1970(2038, 1, 19), 24'855);
    EXPECT_EQ(days_since_1970(1969, 12, 31), -1);
    EXPECT_EQ(days_since_1970(2100, 3, 1) - days_since_1970(2100, 2, 28), 1);
}

TEST(CmosRtc, all_formats_mean_the_same) {
    constexpr std::int64_t expected = 1'753'457'408;  // 2025-07-25T15:30:08Z
    FakeRegisters clock;
    clock.set(0x08, 0x30, 0x15, 0x25, 0x07, 0x25, 0x20, 0x02);
    EXPECT_EQ(read_time(clock), expected);
    clock.set(8, 30, 15, 25, 7, 25, 20, 0x06);
    EXPECT_EQ(read_time(clock), expected);
    clock.set(0x08, 0x30, 0x83, 0x25, 0x07, 0x25, 0x20, 0x00);  // 3 in the afternoon
    EXPECT_EQ(read_time(clock), expected);
    clock.set(8, 30, 0x83, 25, 7, 25, 20, 0x04);
    EXPECT_EQ(read_time(clock), expected);
    clock.set(0x08, 0x30, 0x15, 0x25, 0x07, 0x25, 0x00, 0x02);  // no century register
    EXPECT_EQ(read_time(clock), expected);
}

TEST(CmosRtc, twelve_is_midnight_and_noon) {
    FakeRegisters clock;
    clock.set(0, 0, 0x12, 1, 1, 0x70, 0x19, 0x00);
    EXPECT_EQ(read_time(clock), 0);
    clock.set(0, 0, 0x92, 1, 1, 0x70, 0x19, 0x00);
    EXPECT_EQ(read_time(clock), 12 * 3600);
}

TEST(CmosRtc, waits_for_updates_and_for_stable_values) {
    FakeRegisters clock;
    clock.set(0, 0, 0, 1, 1, 0x70, 0x19, 0x02);
    clock.updates_left = 100;
    clock.changes_left = 3;
    EXPECT_EQ(read_time(clock), 0);
    clock.updates_left = 1'000'000;
    EXPECT_EQ(read_time(clock).error(), Error::timed_out);
    clock.updates_left = 0;
    clock.changes_left = 1000;
    EXPECT_EQ(read_time(clock).error(), Error::timed_out);
}

TEST(CmosRtc, absent_or_broken_clocks_are_errors) {
    FakeRegisters absent;
    absent.values.fill(0xff);
    EXPECT_EQ(read_time(absent).error(), Error::timed_out);
    FakeRegisters broken;
    broken.set(0x1a, 0, 0, 1, 1, 0, 0x20, 0x02);
    EXPECT_EQ(read_time(broken).error(), Error::corrupt);
    broken.set(0, 0, 0, 1, 0, 0, 0x20, 0x02);
    EXPECT_EQ(read_time(broken).error(), Error::corrupt);
    broken.set(0, 0, 0x00, 1, 1, 0, 0x20, 0x00);  // hour 0 of a 12-hour clock
    EXPECT_EQ(read_time(broken).error(), Error::corrupt);
}

}  // namespace
}  // namespace astrata::cmos_rtc
