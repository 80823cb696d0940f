#include "lib/line_editor/key_decoder.h"

#include "lib/line_editor/utf8.h"

namespace astrata::line_editor {
namespace {

constexpr unsigned char escape_byte = 0x1b;
constexpr unsigned char bell = 0x07;
constexpr unsigned char delete_byte = 0x7f;
constexpr unsigned parameter_limit = 9999;

KeyPress plain(Key key) {
    return {.key = key};
}

std::optional<KeyPress> arrow(unsigned char final, bool by_words) {
    switch (final) {
    case 'A': return plain(Key::up);
    case 'B': return plain(Key::down);
    case 'C': return plain(by_words ? Key::word_right : Key::right);
    case 'D': return plain(by_words ? Key::word_left : Key::left);
    case 'H': return plain(Key::home);
    case 'F': return plain(Key::end);
    default: return std::nullopt;
    }
}

}  // namespace

std::optional<KeyPress> KeyDecoder::feed(char byte) {
    auto const value = static_cast<unsigned char>(byte);
    bool const follows_return = after_return_;
    after_return_ = false;
    // A control character never belongs to a sequence: it ends a broken one and means what it always means. Only
    // strings (window titles and the like) have two such bytes as terminators.
    bool const ends_string = state_ == State::string && (value == bell || value == escape_byte);
    if (value < 0x20 && !ends_string) {
        state_ = State::ground;
        if (value == '\n' && follows_return)
            return std::nullopt;
        return ground(value);
    }
    switch (state_) {
    case State::ground: return ground(value);
    case State::text: return continue_text(value);
    case State::escape: return escape(value);
    case State::control_sequence: return control_sequence(value);
    case State::single_shift: state_ = State::ground; return arrow(value, false);
    case State::string:
        if (value == bell)
            state_ = State::ground;
        else if (value == escape_byte)
            state_ = State::string_escape;
        return std::nullopt;
    case State::string_escape: state_ = value == '\\' ? State::ground : State::string; return std::nullopt;
    }
    return std::nullopt;
}

std::optional<KeyPress> KeyDecoder::ground(unsigned char byte) {
    switch (byte) {
    case '\r': after_return_ = true; return plain(Key::enter);
    case '\n': return plain(Key::enter);
    case '\t':
        if (is_pasting_)
            return KeyPress{.key = Key::character, .text = {' '}, .length = 1};
        return plain(Key::tab);
    case 0x08:
    case delete_byte: return plain(Key::backspace);
    case escape_byte: state_ = State::escape; return std::nullopt;
    default: break;
    }
    if (byte < 0x20)
        return KeyPress{.key = Key::control, .letter = static_cast<char>(byte + 0x40)};
    wanted_ = sequence_length(byte);
    if (wanted_ == 0)
        return std::nullopt;
    pending_ = {.key = Key::character, .text = {static_cast<char>(byte)}, .length = 1};
    if (wanted_ == 1)
        return pending_;
    state_ = State::text;
    return std::nullopt;
}

std::optional<KeyPress> KeyDecoder::continue_text(unsigned char byte) {
    if ((byte & 0xc0) != 0x80) {
        state_ = State::ground;
        return ground(byte);
    }
    pending_.text[pending_.length] = static_cast<char>(byte);
    ++pending_.length;
    if (pending_.length < wanted_)
        return std::nullopt;
    state_ = State::ground;
    if (character_at(pending_.view(), 0).length != wanted_)
        return std::nullopt;
    return pending_;
}

std::optional<KeyPress> KeyDecoder::escape(unsigned char byte) {
    state_ = State::ground;
    switch (byte) {
    case '[':
        state_ = State::control_sequence;
        parameters_ = {};
        parameter_count_ = 0;
        return std::nullopt;
    case 'O': state_ = State::single_shift; return std::nullopt;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_': state_ = State::string; return std::nullopt;
    case 'b':
    case 'B': return plain(Key::word_left);
    case 'f':
    case 'F': return plain(Key::word_right);
    case 'd':
    case 'D': return plain(Key::kill_word_right);
    case delete_byte: return plain(Key::kill_word_left);
    default: return std::nullopt;
    }
}

std::optional<KeyPress> KeyDecoder::control_sequence(unsigned char byte) {
    if (byte >= '0' && byte <= '9') {
        if (parameter_count_ < parameters_.size()) {
            auto& parameter = parameters_[parameter_count_];
            parameter = parameter > parameter_limit / 10 ? parameter_limit : parameter * 10 + (byte - '0');
        }
        return std::nullopt;
    }
    if (byte == ';') {
        ++parameter_count_;
        return std::nullopt;
    }
    if (byte < 0x40)  // intermediate and private bytes
        return std::nullopt;
    state_ = State::ground;
    return byte < delete_byte ? finish_control_sequence(byte) : std::nullopt;
}

std::optional<KeyPress> KeyDecoder::finish_control_sequence(unsigned char final) {
    // The second parameter names the modifiers: 3 Alt, 5 Ctrl.
    bool const by_words = parameters_[1] == 3 || parameters_[1] == 5;
    if (final != '~')
        return arrow(final, by_words);
    switch (parameters_[0]) {
    case 1:
    case 7: return plain(Key::home);
    case 4:
    case 8: return plain(Key::end);
    case 3: return plain(Key::erase);
    case 200: is_pasting_ = true; return std::nullopt;
    case 201: is_pasting_ = false; return std::nullopt;
    default: return std::nullopt;
    }
}

}  // namespace astrata::line_editor
