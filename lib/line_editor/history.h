// The lines entered before, oldest first, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace astrata::line_editor {

class History {
public:
    static constexpr std::size_t entry_limit = 256;
    static constexpr std::size_t text_limit = std::size_t{32} * 1024;

    [[nodiscard]] std::size_t count() const { return count_; }
    /// The `index`-th oldest line, valid until the next add(); empty if there is none.
    [[nodiscard]] std::string_view entry(std::size_t index) const;

    /// Adds a line as the newest. A blank line is not kept; an equal older one is forgotten, so each line is there
    /// once. The oldest lines make room.
    void add(std::string_view line);

private:
    struct Entry {
        std::uint32_t offset = 0;
        std::uint32_t length = 0;
    };
    void remove(std::size_t index);

    // Lines lie one after another in `text_`, in the order of `entries_`.
    std::array<char, text_limit> text_;
    std::array<Entry, entry_limit> entries_;
    std::size_t used_ = 0;
    std::size_t count_ = 0;
};

}  // namespace astrata::line_editor
