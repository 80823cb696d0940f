// Formats into a fixed buffer, without allocation and without <format>. What does not fit is cut off and remembered.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lib/base/error.h"

namespace astrata {

/// Shown as 0x..., with at least `digits` digits.
struct Hex {
    std::uint64_t value;
    int digits = 1;
};

class TextBuilder {
public:
    explicit TextBuilder(std::span<char> buffer) : buffer_(buffer) {}

    [[nodiscard]] std::string_view view() const { return {buffer_.data(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool is_truncated() const { return is_truncated_; }
    void clear() { size_ = 0, is_truncated_ = false; }

    TextBuilder& append(std::string_view text) {
        auto const count = std::min(text.size(), buffer_.size() - size_);
        std::ranges::copy(text.substr(0, count), buffer_.subspan(size_).begin());
        size_ += count;
        is_truncated_ |= count != text.size();
        return *this;
    }
    TextBuilder& append(char character) { return append(std::string_view(&character, 1)); }
    TextBuilder& append(char const* text) { return append(std::string_view(text)); }
    template <std::integral T>
    TextBuilder& append(T value) {
        if constexpr (std::same_as<T, bool>)
            return append(value ? std::string_view("true") : std::string_view("false"));
        else
            return decimal(value);
    }
    TextBuilder& append(Hex hex) { return append("0x").hex(hex.value, hex.digits); }
    TextBuilder& append(Error error) { return append(name_of(error)); }

    template <std::integral T>
    TextBuilder& decimal(T value, std::size_t width = 0, char fill = ' ') {
        std::array<char, 24> digits;
        auto const end = std::to_chars(digits.data(), std::to_address(digits.end()), value).ptr;
        return right({digits.data(), static_cast<std::size_t>(end - digits.data())}, width, fill);
    }
    /// The numbers of the bits that are set, as 0-3,5.
    TextBuilder& bit_list(std::uint64_t bits) {
        bool is_first = true;
        for (unsigned first = 0; first < 64;) {
            auto const count = static_cast<unsigned>(std::countr_one(bits >> first));
            if (count > 0) {
                append(is_first ? "" : ",").append(first);
                if (count > 1)
                    append('-').append(first + count - 1);
                is_first = false;
            }
            first += count > 0 ? count : 1;
        }
        return *this;
    }
    /// Lower-case digits, at least `digits` of them, no prefix.
    TextBuilder& hex(std::uint64_t value, int digits = 1) {
        std::array<char, 16> text;
        auto const end = std::to_chars(text.data(), std::to_address(text.end()), value, 16).ptr;
        return right({text.data(), static_cast<std::size_t>(end - text.data())},
                     static_cast<std::size_t>(std::max(digits, 0)), '0');
    }
    /// Padded at its end to `width`.
    TextBuilder& left(std::string_view text, std::size_t width, char fill = ' ') {
        append(text);
        return pad(text.size(), width, fill);
    }
    /// Padded in front to `width`.
    TextBuilder& right(std::string_view text, std::size_t width, char fill = ' ') {
        pad(text.size(), width, fill);
        return append(text);
    }

private:
    TextBuilder& pad(std::size_t used, std::size_t width, char fill) {
        for (; used < width; ++used)
            append(fill);
        return *this;
    }

    std::span<char> buffer_;
    std::size_t size_ = 0;
    bool is_truncated_ = false;
};

/// A builder with its own buffer of N characters.
template <std::size_t N>
class TextBuffer : public TextBuilder {
public:
    TextBuffer() : TextBuilder(characters_) {}
    TextBuffer(TextBuffer const&) = delete;
    TextBuffer& operator=(TextBuffer const&) = delete;

private:
    std::array<char, N> characters_;
};

}  // namespace astrata
