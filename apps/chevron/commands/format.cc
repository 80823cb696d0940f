#include "apps/chevron/commands/format.h"

#include <array>
#include <charconv>

namespace astrata::chevron {
namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t seconds_per_day = 86'400;

}  // namespace

void append_size(TextBuilder& text, std::uint64_t bytes) {
    constexpr std::string_view units = "KMGTPE";
    if (bytes < 1024) {
        text.append(bytes);
        return;
    }
    std::size_t unit = 0;
    // Kept at 1024 times the value in the unit, so that the decimal can still be taken from it.
    while (bytes >= std::uint64_t{1024} * 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    text.append(bytes / 1024).append('.').append(bytes % 1024 * 10 / 1024).append(units[unit]);
}

void append_percent(TextBuilder& text, std::uint64_t part, std::uint64_t whole) {
    // Scaled down together first, so that the product fits.
    while (part > ~std::uint64_t{0} / 1000) {
        part /= 2;
        whole /= 2;
    }
    auto const tenths = whole == 0 ? 0 : part * 1000 / whole;
    text.append(tenths / 10).append('.').append(tenths % 10).append('%');
}

void append_uptime(TextBuilder& text, std::uint64_t nanoseconds) {
    auto const seconds = nanoseconds / nanoseconds_per_second;
    auto const days = seconds / seconds_per_day;
    if (days != 0)
        text.append(days).append("d ");
    text.decimal(seconds / 3600 % 24, 2, '0')
        .append(':')
        .decimal(seconds / 60 % 60, 2, '0')
        .append(':')
        .decimal(seconds % 60, 2, '0');
}

void append_seconds(TextBuilder& text, std::uint64_t nanoseconds) {
    text.append(nanoseconds / nanoseconds_per_second).append('.').decimal(nanoseconds / 1'000'000 % 1000, 3, '0');
}

// Days are counted from 0000-03-01, so that the leap day is the last of its year (the "civil from days" method of
// calendar arithmetic on the 400-year cycle of the Gregorian calendar).
Date date_of(std::int64_t seconds) {
    auto days = seconds / seconds_per_day;
    auto rest = seconds % seconds_per_day;
    if (rest < 0) {
        rest += seconds_per_day;
        --days;
    }
    Date date;
    date.hour = static_cast<unsigned>(rest / 3600);
    date.minute = static_cast<unsigned>(rest / 60 % 60);
    date.second = static_cast<unsigned>(rest % 60);
    date.weekday = static_cast<unsigned>(((days + 4) % 7 + 7) % 7);
    constexpr std::int64_t days_per_cycle = 146'097;
    auto const shifted = days + 719'468;
    auto const cycle = (shifted >= 0 ? shifted : shifted - (days_per_cycle - 1)) / days_per_cycle;
    auto const day_of_cycle = shifted - cycle * days_per_cycle;
    auto const year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36'524 - day_of_cycle / 146'096) / 365;
    auto const day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    auto const month = (5 * day_of_year + 2) / 153;  // 0: March
    date.day = static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = static_cast<unsigned>(month < 10 ? month + 3 : month - 9);
    date.year = year_of_cycle + cycle * 400 + (date.month <= 2 ? 1 : 0);
    return date;
}

void append_date(TextBuilder& text, std::int64_t seconds) {
    constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    auto const date = date_of(seconds);
    text.append(weekdays[date.weekday])
        .append(' ')
        .decimal(date.year, 4, '0')
        .append('-')
        .decimal(date.month, 2, '0')
        .append('-');
    text.decimal(date.day, 2, '0')
        .append(' ')
        .decimal(date.hour, 2, '0')
        .append(':')
        .decimal(date.minute, 2, '0')
        .append(':');
    text.decimal(date.second, 2, '0').append(" UTC");
}

void append_mode(TextBuilder& text, char kind, std::uint32_t mode) {
    text.append(kind);
    for (int shift = 6; shift >= 0; shift -= 3) {
        auto const bits = mode >> shift & 7;
        text.append(bits & 4 ? 'r' : '-').append(bits & 2 ? 'w' : '-');
        // 04000 set-user-id, 02000 set-group-id, 01000 sticky, each beside the execute bit of its class.
        bool const is_special = (mode >> (9 + shift / 3) & 1) != 0;
        if (!is_special)
            text.append(bits & 1 ? 'x' : '-');
        else if (shift == 0)
            text.append(bits & 1 ? 't' : 'T');
        else
            text.append(bits & 1 ? 's' : 'S');
    }
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    unsigned shift = 0;
    if (text.ends_with('K') || text.ends_with('k'))
        shift = 10;
    else if (text.ends_with('M') || text.ends_with('m'))
        shift = 20;
    else if (text.ends_with('G') || text.ends_with('g'))
        shift = 30;
    if (shift != 0)
        text.remove_suffix(1);
    std::uint64_t number = 0;
    auto const [end, status] = std::from_chars(text.begin(), text.end(), number);
    if (text.empty() || status != std::errc{} || end != text.end() || number > ~std::uint64_t{0} >> shift)
        return std::nullopt;
    return number << shift;
}

}  // namespace astrata::chevron
