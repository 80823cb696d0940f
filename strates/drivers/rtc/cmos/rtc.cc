#include "strates/drivers/rtc/cmos/rtc.h"

#include <array>
#include <optional>

namespace astrata::cmos_rtc {

namespace {

constexpr std::uint8_t seconds_register = 0x00, minutes_register = 0x02, hours_register = 0x04, day_register = 0x07;
constexpr std::uint8_t month_register = 0x08, year_register = 0x09, status_a = 0x0a, status_b = 0x0b;
constexpr std::uint8_t century_register = 0x32;    // where all PCs that have one keep it
constexpr std::uint8_t update_in_progress = 0x80;  // UIP in status A: at most 1,984 microseconds long
constexpr std::uint8_t is_24_hours = 0x02, is_binary = 0x04;
constexpr std::uint8_t afternoon = 0x80;  // in the hours of a 12-hour clock

// Each register access is an I/O access of about a microsecond or more.
constexpr int update_patience = 20'000;
constexpr int settle_patience = 10;

using Snapshot = std::array<std::uint8_t, 7>;  // seconds, minutes, hours, day, month, year, century

Result<Snapshot> take_snapshot(Registers& registers) {
    int left = update_patience;
    while ((registers.read(status_a) & update_in_progress) != 0) {
        if (--left == 0)
            return fail(Error::timed_out);
    }
    Snapshot snapshot{};
    std::size_t position = 0;
    for (auto const index : {seconds_register, minutes_register, hours_register, day_register, month_register,
                             year_register, century_register})
        snapshot[position++] = registers.read(index);
    return snapshot;
}

// An update can begin between two reads, so only two equal snapshots count.
Result<Snapshot> take_settled_snapshot(Registers& registers) {
    auto previous = TRY(take_snapshot(registers));
    for (int attempt = 0; attempt < settle_patience; ++attempt) {
        auto const current = TRY(take_snapshot(registers));
        if (current == previous)
            return current;
        previous = current;
    }
    return fail(Error::timed_out);
}

std::optional<unsigned> decode(std::uint8_t value, bool binary) {
    if (binary)
        return value;
    auto const tens = value >> 4;
    auto const ones = value & 0xf;
    if (tens > 9 || ones > 9)
        return std::nullopt;
    return static_cast<unsigned>(10 * tens + ones);
}

}  // namespace

std::int64_t days_since_1970(std::int64_t year, unsigned month, unsigned day) {
    // Years are counted from March, so that the leap day is the last day of a year; 400 years have 146,097 days.
    auto const shifted = month <= 2 ? year - 1 : year;
    auto const era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    auto const year_of_era = shifted - era * 400;
    auto const month_from_march = (month + 9) % 12;
    auto const day_of_year = (153 * std::int64_t{month_from_march} + 2) / 5 + day - 1;
    auto const day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146'097 + day_of_era - 719'468;
}

Result<std::int64_t> read_time(Registers& registers) {
    auto const format = registers.read(status_b);
    auto const raw = TRY(take_settled_snapshot(registers));
    bool const binary = (format & is_binary) != 0;
    bool const is_afternoon = (format & is_24_hours) == 0 && (raw[2] & afternoon) != 0;
    auto const second = decode(raw[0], binary);
    auto const minute = decode(raw[1], binary);
    auto hour = decode((format & is_24_hours) != 0 ? raw[2] : raw[2] & 0x7f, binary);
    auto const day = decode(raw[3], binary);
    auto const month = decode(raw[4], binary);
    auto const year = decode(raw[5], binary);
    if (!second || !minute || !hour || !day || !month || !year)
        return fail(Error::corrupt);
    if ((format & is_24_hours) == 0) {
        if (*hour < 1 || *hour > 12)
            return fail(Error::corrupt);
        hour = *hour % 12 + (is_afternoon ? 12 : 0);
    }
    if (*second > 60 || *minute > 59 || *hour > 23 || *day < 1 || *day > 31 || *month < 1 || *month > 12 || *year > 99)
        return fail(Error::corrupt);
    // Without a believable century register it is this century.
    auto const century = decode(raw[6], binary).value_or(20);
    auto const full_year = (century >= 19 && century <= 22 ? century : 20) * 100 + *year;
    auto const days = days_since_1970(full_year, *month, *day);
    return ((days * 24 + *hour) * 60 + *minute) * 60 + *second;
}

}  // namespace astrata::cmos_rtc
