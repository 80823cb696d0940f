// Sizes, durations and dates as people read them. No floating point: this is strate code.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/containers/text_builder.h"

namespace astrata::chevron {

using ShortText = TextBuffer<40>;

/// "512", "4.0K", "12.5M": at most one decimal, powers of 1024.
void append_size(TextBuilder& text, std::uint64_t bytes);
/// "3.2%" of the whole; "0.0%" of nothing. `part` may exceed `whole`.
void append_percent(TextBuilder& text, std::uint64_t part, std::uint64_t whole);
/// "1d 02:03:04", "02:03:04" below a day.
void append_uptime(TextBuilder& text, std::uint64_t nanoseconds);
/// "12.345" seconds.
void append_seconds(TextBuilder& text, std::uint64_t nanoseconds);

struct Date {
    std::int64_t year = 1970;
    unsigned month = 1;
    unsigned day = 1;
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    unsigned weekday = 4;  ///< 0 Sunday
};
/// The civil date (UTC) of a time since 1970-01-01T00:00Z.
Date date_of(std::int64_t seconds);
/// "Fri 2026-11-20 08:16:45 UTC"
void append_date(TextBuilder& text, std::int64_t seconds);

/// "rwxr-xr-x" with a leading letter for the kind, as `ls -l` has it; set-id and sticky bits shown.
void append_mode(TextBuilder& text, char kind, std::uint32_t mode);

/// A number of bytes with an optional K, M or G.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace astrata::chevron
