#include "lib/line_editor/utf8.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace astrata::line_editor {
namespace {

struct Range {
    char32_t first, last;
};

// Blocks of combining and other zero-width characters (Unicode general categories Mn, Me and Cf), ascending.
constexpr std::array zero_width = std::to_array<Range>({
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},   {0x0900, 0x0902},
    {0x093c, 0x093c}, {0x0941, 0x0948}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff},   {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
});

// Blocks that are two cells wide (Unicode Standard Annex 11: W and F), ascending.
constexpr std::array wide = std::to_array<Range>({
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x25fd, 0x25fe},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},
    {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},
    {0x2795, 0x2797},   {0x2b1b, 0x2b1c},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
    {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
    {0x1fa70, 0x1faff}, {0x20000, 0x2fffd}, {0x30000, 0x3fffd},
});

template <std::size_t count>
bool contains(std::array<Range, count> const& ranges, char32_t code_point) {
    auto const* range =
        std::lower_bound(ranges.begin(), ranges.end(), code_point,
                         [](Range const& candidate, char32_t wanted) { return candidate.last < wanted; });
    return range != ranges.end() && range->first <= code_point;
}

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xc0) == 0x80;
}

}  // namespace

std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

Character character_at(std::string_view text, std::size_t index) {
    if (index >= text.size())
        return {};
    auto const lead = static_cast<unsigned char>(text[index]);
    auto const length = sequence_length(lead);
    Character const invalid = {.code_point = replacement_character, .length = 1};
    if (length == 0 || length > text.size() - index)
        return invalid;
    if (length == 1)
        return {.code_point = lead, .length = 1};
    char32_t code_point = lead & (0x7fU >> length);
    for (auto const byte : text.substr(index + 1, length - 1)) {
        if (!is_continuation(byte))
            return invalid;
        code_point = code_point << 6 | (static_cast<unsigned char>(byte) & 0x3f);
    }
    // Overlong forms, surrogates and what lies beyond Unicode are no characters.
    constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    if (code_point < least[length] || (code_point >= 0xd800 && code_point <= 0xdfff) || code_point > 0x10ffff)
        return invalid;
    return {.code_point = code_point, .length = length};
}

std::size_t previous_boundary(std::string_view text, std::size_t index) {
    if (index == 0)
        return 0;
    // At most four bytes back lies a lead byte whose character ends here; else the one byte is a character of its own.
    for (std::size_t back = 1; back <= std::min<std::size_t>(4, index); ++back) {
        auto const start = index - back;
        if (sequence_length(static_cast<unsigned char>(text[start])) == back &&
            character_at(text.substr(0, index), start).length == back)
            return start;
    }
    return index - 1;
}

std::size_t next_boundary(std::string_view text, std::size_t index) {
    return std::min(text.size(), index + character_at(text, index).length);
}

unsigned width_of(char32_t code_point) {
    if (code_point < 0x300)
        return 1;
    if (contains(zero_width, code_point))
        return 0;
    return contains(wide, code_point) ? 2 : 1;
}

}  // namespace astrata::line_editor
