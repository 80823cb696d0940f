// What a terminal sends for its keys (ECMA-48 control sequences as xterm and VT100 use them), decoded byte by byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace astrata::line_editor {

enum class Key : std::uint8_t {
    character,  // printable text: KeyPress::text
    enter,
    tab,
    backspace,
    erase,  // the Delete key
    left,
    right,
    up,
    down,
    home,
    end,
    word_left,        // Alt-B, Ctrl-Left
    word_right,       // Alt-F, Ctrl-Right
    kill_word_left,   // Alt-Backspace: back to the beginning of the word
    kill_word_right,  // Alt-D
    control,          // Ctrl and a letter: KeyPress::letter
};

struct KeyPress {
    Key key = Key::character;
    char letter = 0;                // upper case
    std::array<char, 4> text = {};  // one UTF-8 character
    std::size_t length = 0;

    [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
};

class KeyDecoder {
public:
    /// Takes one byte; returns the key that it completes, if it completes one. Unknown sequences and malformed UTF-8
    /// complete nothing and leave nothing behind.
    std::optional<KeyPress> feed(char byte);

private:
    enum class State : std::uint8_t { ground, text, escape, control_sequence, single_shift, string, string_escape };

    std::optional<KeyPress> ground(unsigned char byte);
    std::optional<KeyPress> escape(unsigned char byte);
    std::optional<KeyPress> control_sequence(unsigned char byte);
    std::optional<KeyPress> finish_control_sequence(unsigned char final);
    std::optional<KeyPress> continue_text(unsigned char byte);

    State state_ = State::ground;
    bool after_return_ = false;  // the line feed of a CR LF pair is the same key
    bool is_pasting_ = false;    // between the marks of a bracketed paste, Tab is a blank
    std::array<unsigned, 4> parameters_ = {};
    std::size_t parameter_count_ = 0;
    KeyPress pending_;        // text: the character so far
    std::size_t wanted_ = 0;  // text: its length
};

}  // namespace astrata::line_editor
