// Building short texts in a buffer of fixed size, as /proc files and link names need them.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <string_view>

namespace astrata::linux_abi {

/// Appends; what does not fit is cut and remembered (`is_cut`).
class TextWriter {
public:
    explicit TextWriter(std::span<char> into) : into_(into) {}

    TextWriter& put(std::string_view text) {
        auto const length = std::min(text.size(), into_.size() - length_);
        std::ranges::copy(text.substr(0, length), into_.subspan(length_).begin());
        length_ += length;
        is_cut_ |= length < text.size();
        return *this;
    }
    TextWriter& put(char character) { return put(std::string_view(&character, 1)); }
    TextWriter& put_decimal(std::uint64_t value, std::size_t width = 0, char filler = ' ') {
        return put_number(value, 10, width, filler);
    }
    TextWriter& put_signed(std::int64_t value) {
        if (value < 0)
            put('-');
        return put_decimal(value < 0 ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value));
    }
    TextWriter& put_hexadecimal(std::uint64_t value, std::size_t width = 0) {
        return put_number(value, 16, width, '0');
    }
    TextWriter& put_octal(std::uint64_t value, std::size_t width = 0) { return put_number(value, 8, width, '0'); }
    /// A number with two digits after the point, given in hundredths.
    TextWriter& put_hundredths(std::uint64_t value) {
        return put_decimal(value / 100).put('.').put_decimal(value % 100, 2, '0');
    }
    /// Fills with spaces up to a column of the text.
    TextWriter& pad_to(std::size_t column) {
        while (length_ < column && length_ < into_.size())
            put(' ');
        return *this;
    }

    [[nodiscard]] std::string_view view() const { return {into_.data(), length_}; }
    [[nodiscard]] std::size_t size() const { return length_; }
    [[nodiscard]] bool is_cut() const { return is_cut_; }

private:
    TextWriter& put_number(std::uint64_t value, int base, std::size_t width, char filler) {
        std::array<char, 24> digits;
        std::span<char> const room(digits);
        auto const end = std::to_chars(room.data(), digits.end(), value, base).ptr;
        auto const length = static_cast<std::size_t>(end - digits.begin());
        for (auto padding = length; padding < width; ++padding)
            put(filler);
        return put(std::string_view(digits.data(), length));
    }

    std::span<char> into_;
    std::size_t length_ = 0;
    bool is_cut_ = false;
};

}  // namespace astrata::linux_abi
