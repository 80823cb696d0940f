// Text of bounded size that is edited in place.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace astrata::line_editor {

inline constexpr std::size_t line_limit = 4096;  // bytes of one line

class LineBuffer {
public:
    [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool is_empty() const { return size_ == 0; }
    void clear() { size_ = 0; }

    /// Replaces everything; what does not fit is left off.
    void assign(std::string_view text) {
        size_ = std::min(text.size(), line_limit);
        std::copy_n(text.begin(), size_, text_.begin());
    }

    /// Inserts all of `text` before byte `index`, or nothing. Returns whether there was room. `text` lies elsewhere.
    bool insert(std::size_t index, std::string_view text) {
        if (index > size_ || text.size() > line_limit - size_)
            return false;
        auto const later = std::span(text_).first(size_).subspan(index);
        size_ += text.size();
        std::ranges::copy_backward(later, std::span(text_).first(size_).end());
        std::ranges::copy(text, std::span(text_).subspan(index).begin());
        return true;
    }

    /// Removes the bytes in [first, last).
    void erase(std::size_t first, std::size_t last) {
        last = std::min(last, size_);
        if (first >= last)
            return;
        std::ranges::copy(std::span(text_).first(size_).subspan(last), std::span(text_).subspan(first).begin());
        size_ -= last - first;
    }

private:
    std::array<char, line_limit> text_;
    std::size_t size_ = 0;
};

}  // namespace astrata::line_editor
