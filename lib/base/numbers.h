// Numbers in text. std::from_chars computes with floating point for bases other than ten, which code that could run in
// the kernel has not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata {

constexpr unsigned no_digit = 36;

/// What `character` is worth as a digit.
constexpr unsigned digit_value(char character) {
    if (character >= '0' && character <= '9')
        return static_cast<unsigned>(character - '0');
    if (character >= 'a' && character <= 'z')
        return static_cast<unsigned>(character - 'a') + 10;
    if (character >= 'A' && character <= 'Z')
        return static_cast<unsigned>(character - 'A') + 10;
    return no_digit;
}

/// The number at the front of `text`, which is moved behind it. Nothing, and the text as it was, if there is none or it
/// does not fit.
constexpr std::optional<std::uint64_t> take_number(std::string_view& text, unsigned base) {
    std::uint64_t value = 0;
    std::size_t length = 0;
    for (; length < text.size(); ++length) {
        auto const digit = digit_value(text[length]);
        if (digit >= base)
            break;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return std::nullopt;
    }
    if (length == 0)
        return std::nullopt;
    text.remove_prefix(length);
    return value;
}

}  // namespace astrata
