// A text that grows, for files whose contents are made when they are read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "lib/base/bytes.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/file/text.h"

namespace astrata::linux_abi {

/// Running out of memory, or above the limit, is remembered and reported once at the end (`take`): generators need no
/// checks.
class TextBuffer {
public:
    static constexpr std::size_t limit = 4 << 20;

    TextBuffer& put(std::string_view text);
    TextBuffer& put(char character) { return put(std::string_view(&character, 1)); }
    TextBuffer& put_decimal(std::uint64_t value, std::size_t width = 0, char filler = ' ');
    TextBuffer& put_signed(std::int64_t value);
    TextBuffer& put_hexadecimal(std::uint64_t value, std::size_t width = 0);
    /// The numbers of the bits that are set, as 0-3,5.
    TextBuffer& put_bit_list(std::uint64_t bits);
    TextBuffer& put_octal(std::uint64_t value, std::size_t width = 0);
    TextBuffer& put_hundredths(std::uint64_t value);
    /// Text with space, tab, newline, backslash (and '#') written in octal, as /proc/mounts does.
    TextBuffer& put_escaped(std::string_view text);

    [[nodiscard]] std::string_view view() const { return {memory_.get(), length_}; }
    [[nodiscard]] bool has_failed() const { return has_failed_; }
    void clear() {
        length_ = 0;
        has_failed_ = false;
    }

private:
    [[nodiscard]] bool reserve(std::size_t more);
    template <typename Writer>
    TextBuffer& put_with(Writer write);

    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t length_ = 0;
    bool has_failed_ = false;
};

}  // namespace astrata::linux_abi
