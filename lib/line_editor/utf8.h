// UTF-8 (RFC 3629): decoding one character at a time, and how many terminal cells a character takes.
#pragma once

#include <cstddef>
#include <string_view>

namespace astrata::line_editor {

struct Character {
    char32_t code_point = 0;
    std::size_t length = 0;  ///< bytes; 0 at the end of the text
};

inline constexpr char32_t replacement_character = 0xfffd;

/// The character that begins at `index`. A byte that begins none counts as a replacement character of length 1.
Character character_at(std::string_view text, std::size_t index);

/// Where the character before `index` begins; 0 at the beginning.
std::size_t previous_boundary(std::string_view text, std::size_t index);
/// Where the character after the one at `index` begins; the size at the end.
std::size_t next_boundary(std::string_view text, std::size_t index);

/// Cells on a terminal: 0 for combining marks, 2 for wide East Asian characters and emoji, else 1.
unsigned width_of(char32_t code_point);

/// Bytes of the sequence that `lead` begins, 1 to 4; 0 if it begins none.
std::size_t sequence_length(unsigned char lead);

}  // namespace astrata::line_editor
