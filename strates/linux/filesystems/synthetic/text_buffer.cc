#include "strates/linux/filesystems/synthetic/text_buffer.h"

#include <algorithm>
#include <array>
#include <new>

#include "lib/containers/text_builder.h"

namespace astrata::linux_abi {

bool TextBuffer::reserve(std::size_t more) {
    if (has_failed_ || more > limit - length_) {
        has_failed_ = true;
        return false;
    }
    if (length_ + more <= capacity_)
        return true;
    auto const wanted = std::max<std::size_t>({length_ + more, 2 * capacity_, 512});
    std::unique_ptr<char[]> memory(new (std::nothrow) char[wanted]);
    if (memory == nullptr) {
        has_failed_ = true;
        return false;
    }
    std::ranges::copy(view(), memory.get());
    memory_ = std::move(memory);
    capacity_ = wanted;
    return true;
}

TextBuffer& TextBuffer::put(std::string_view text) {
    if (reserve(text.size())) {
#pragma clang unsafe_buffer_usage begin  // reserve() made room
        std::ranges::copy(text, memory_.get() + length_);
#pragma clang unsafe_buffer_usage end
        length_ += text.size();
    }
    return *this;
}

template <typename Writer>
TextBuffer& TextBuffer::put_with(Writer write) {
    std::array<char, 48> text;
    TextWriter writer(text);
    write(writer);
    return put(writer.view());
}

TextBuffer& TextBuffer::put_decimal(std::uint64_t value, std::size_t width, char filler) {
    return put_with([&](TextWriter& writer) { writer.put_decimal(value, width, filler); });
}
TextBuffer& TextBuffer::put_signed(std::int64_t value) {
    return put_with([&](TextWriter& writer) { writer.put_signed(value); });
}
TextBuffer& TextBuffer::put_hexadecimal(std::uint64_t value, std::size_t width) {
    return put_with([&](TextWriter& writer) { writer.put_hexadecimal(value, width); });
}
TextBuffer& TextBuffer::put_bit_list(std::uint64_t bits) {
    astrata::TextBuffer<160> list;  // 22 pairs of neighbours are the longest
    list.bit_list(bits);
    return put(list.view());
}
TextBuffer& TextBuffer::put_octal(std::uint64_t value, std::size_t width) {
    return put_with([&](TextWriter& writer) { writer.put_octal(value, width); });
}
TextBuffer& TextBuffer::put_hundredths(std::uint64_t value) {
    return put_with([&](TextWriter& writer) { writer.put_hundredths(value); });
}

TextBuffer& TextBuffer::put_escaped(std::string_view text) {
    for (char const character : text) {
        if (character == ' ' || character == '\t' || character == '\n' || character == '\\' || character == '#')
            put('\\').put_with([&](TextWriter& writer) { writer.put_octal(static_cast<std::uint8_t>(character), 3); });
        else
            put(character);
    }
    return *this;
}

}  // namespace astrata::linux_abi
