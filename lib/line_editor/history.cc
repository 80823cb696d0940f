#include "lib/line_editor/history.h"

#include <algorithm>
#include <span>

namespace astrata::line_editor {

std::string_view History::entry(std::size_t index) const {
    if (index >= count_)
        return {};
    auto const& entry = entries_[index];
    return std::string_view(text_.data(), used_).substr(entry.offset, entry.length);
}

void History::add(std::string_view line) {
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.size() > text_limit)
        return;
    for (std::size_t index = 0; index < count_; ++index) {
        if (entry(index) == line) {
            remove(index);
            break;
        }
    }
    while (count_ == entry_limit || text_limit - used_ < line.size())
        remove(0);
    std::ranges::copy(line, std::span(text_).subspan(used_).begin());
    entries_[count_] = {.offset = static_cast<std::uint32_t>(used_), .length = static_cast<std::uint32_t>(line.size())};
    ++count_;
    used_ += line.size();
}

void History::remove(std::size_t index) {
    auto const gone = entries_[index];
    auto const later = std::span(text_).first(used_).subspan(gone.offset + gone.length);
    std::ranges::copy(later, std::span(text_).subspan(gone.offset).begin());
    used_ -= gone.length;
    for (std::size_t next = index + 1; next < count_; ++next) {
        entries_[next - 1] = {.offset = entries_[next].offset - gone.length, .length = entries_[next].length};
    }
    --count_;
}

}  // namespace astrata::line_editor
