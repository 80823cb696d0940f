// Cutting a stream of bytes into lines, and looking for a text in them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

#include "lib/base/bytes.h"

namespace astrata::chevron {

inline constexpr std::size_t line_search_bytes = std::size_t{64} * 1024;  // longer lines count as several

/// A text, with `^` in front or `$` behind it held to the line's beginning or end.
class LineSearch {
public:
    bool ignores_case = false;

    void set(std::string_view text) {
        at_beginning_ = text.starts_with('^');
        if (at_beginning_)
            text.remove_prefix(1);
        at_end_ = text.ends_with('$');
        if (at_end_)
            text.remove_suffix(1);
        text_ = text;
    }

    [[nodiscard]] bool matches(std::string_view line) const {
        if (line.size() < text_.size())
            return false;
        if (at_beginning_ && at_end_)
            return line.size() == text_.size() && equals(line);
        if (at_beginning_)
            return equals(line.substr(0, text_.size()));
        if (at_end_)
            return equals(line.substr(line.size() - text_.size()));
        return !std::ranges::search(line, text_, [this](char left, char right) { return same(left, right); }).empty() ||
               text_.empty();
    }

private:
    static char lower(char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
    }
    [[nodiscard]] bool same(char left, char right) const {
        return ignores_case ? lower(left) == lower(right) : left == right;
    }
    [[nodiscard]] bool equals(std::string_view part) const {
        return std::ranges::equal(part, text_, [this](char left, char right) { return same(left, right); });
    }

    std::string_view text_;
    bool at_beginning_ = false;
    bool at_end_ = false;
};

/// Fill space(), say how much with added(), take lines with next() until there are no more, and at the end rest().
class LineCutter {
public:
    explicit LineCutter(MutableBytes storage) : storage_(storage) {}

    /// Never empty once next() has returned nothing.
    [[nodiscard]] MutableBytes space() {
        std::ranges::copy(storage_.subspan(first_, used_ - first_), storage_.begin());
        used_ -= first_;
        first_ = 0;
        return storage_.subspan(used_);
    }
    void added(std::size_t count) { used_ += count; }

    /// The next whole line without its end; valid until space(). A full buffer without an end counts as a line.
    std::optional<std::string_view> next() {
        auto const text = as_text(storage_.subspan(first_, used_ - first_));
        auto const end = text.find('\n');
        if (end != std::string_view::npos) {
            first_ += end + 1;
            return text.substr(0, end);
        }
        if (text.size() < storage_.size())
            return std::nullopt;
        first_ = used_;
        return text;
    }
    /// What follows the last line end.
    std::string_view rest() {
        auto const text = as_text(storage_.subspan(first_, used_ - first_));
        first_ = used_;
        return text;
    }

private:
    MutableBytes storage_;
    std::size_t first_ = 0;
    std::size_t used_ = 0;
};

}  // namespace astrata::chevron
