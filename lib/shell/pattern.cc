#include "lib/shell/pattern.h"

#include <cstddef>

namespace astrata::shell {
namespace {

// Tries the one element of the pattern at `position` (not a star) on `character`; moves past the element.
bool match_one(std::string_view pattern, std::size_t& position, char character) {
    auto const element = pattern[position];
    ++position;
    if (element == '?')
        return true;
    if (element == '\\' && position < pattern.size())
        return pattern[position++] == character;
    if (element != '[')
        return element == character;
    auto scan = position;
    bool const is_inverted = scan < pattern.size() && (pattern[scan] == '!' || pattern[scan] == '^');
    if (is_inverted)
        ++scan;
    bool is_member = false;
    for (bool is_first = true;; is_first = false) {
        if (scan >= pattern.size())
            return element == character;  // unclosed: a bracket
        auto first = pattern[scan];
        if (first == ']' && !is_first)
            break;
        if (first == '\\' && scan + 1 < pattern.size())
            first = pattern[++scan];
        ++scan;
        auto last = first;
        if (scan + 1 < pattern.size() && pattern[scan] == '-' && pattern[scan + 1] != ']') {
            last = pattern[scan + 1];
            scan += 2;
        }
        auto const value = static_cast<unsigned char>(character);
        if (static_cast<unsigned char>(first) <= value && value <= static_cast<unsigned char>(last))
            is_member = true;
    }
    position = scan + 1;
    return is_member != is_inverted;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
    std::size_t position = 0;
    std::size_t index = 0;
    // Where to continue when what follows the last star does not fit: the star swallows one character more.
    std::size_t after_star = std::string_view::npos;
    std::size_t star_index = 0;
    for (;;) {
        if (position < pattern.size() && pattern[position] == '*') {
            after_star = ++position;
            star_index = index;
            continue;
        }
        if (index == name.size() && position == pattern.size())
            return true;
        if (index < name.size() && position < pattern.size()) {
            if (match_one(pattern, position, name[index])) {
                ++index;
                continue;
            }
        }
        if (after_star == std::string_view::npos || star_index >= name.size())
            return false;
        position = after_star;
        index = ++star_index;
    }
}

bool has_pattern(std::string_view pattern) {
    for (std::size_t index = 0; index < pattern.size(); ++index) {
        auto const character = pattern[index];
        if (character == '\\')
            ++index;
        else if (character == '*' || character == '?' || character == '[')
            return true;
    }
    return false;
}

}  // namespace astrata::shell
