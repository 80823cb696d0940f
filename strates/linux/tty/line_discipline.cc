#include "strates/linux/tty/line_discipline.h"

#include <algorithm>

namespace astrata::linux_abi {

namespace {

constexpr std::uint8_t bell = 7;
constexpr std::uint8_t backspace = 8;
constexpr std::uint8_t delete_character = 127;

bool is_control(std::uint8_t byte) {
    return byte < ' ' || byte == delete_character;
}
bool is_utf8_continuation(std::uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}
bool is_word_character(std::uint8_t byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           byte == '_' || byte >= 0x80;
}
void put_byte(std::uint8_t byte, TerminalSink& sink) {
    std::array const one{static_cast<std::byte>(byte)};
    sink.put(one);
}

}  // namespace

void LineDiscipline::set_settings(Termios const& termios) {
    bool const was_canonical = has(local_mode::canonical);
    termios_ = termios;
    if (was_canonical != has(local_mode::canonical)) {
        // What came in under the old rule can be read at once under the new one.
        line_begin_ = head_;
        line_begin_column_ = column_;
        is_literal_next_ = false;
        if (was_canonical) {
            // A raw reader sees end-of-file marks as the byte that made them, as N_TTY does.
            is_line_end_.reset();
            is_file_end_.reset();
        }
    }
    if ((termios_.input & input_mode::flow_control_output) == 0)
        is_stopped_ = false;
}

LineDiscipline::InputOutcome LineDiscipline::input(Bytes bytes, TerminalSink& echo) {
    InputOutcome outcome;
    for (auto const byte : bytes) {
        if (!listens() && !is_signal_character(static_cast<std::uint8_t>(byte)))
            break;
        input_byte(static_cast<std::uint8_t>(byte), echo, outcome);
        ++outcome.consumed;
    }
    return outcome;
}

void LineDiscipline::input_byte(std::uint8_t byte, TerminalSink& echo, InputOutcome& outcome) {
    if ((termios_.input & input_mode::strip) != 0)
        byte &= 0x7f;
    if (is_literal_next_) {
        is_literal_next_ = false;
        echo_byte(byte, echo);
        store(byte);
        return;
    }
    if ((termios_.input & input_mode::upper_to_lower) != 0 && has(local_mode::extended) && byte >= 'A' && byte <= 'Z')
        byte = static_cast<std::uint8_t>(byte + ('a' - 'A'));

    if ((termios_.input & input_mode::flow_control_output) != 0) {
        if (is_character(byte, ControlCharacter::start)) {
            outcome.output_resumed |= is_stopped_;
            is_stopped_ = false;
            return;
        }
        if (is_character(byte, ControlCharacter::stop)) {
            is_stopped_ = true;
            return;
        }
        if (is_stopped_ && (termios_.input & input_mode::any_restarts) != 0) {
            is_stopped_ = false;
            outcome.output_resumed = true;
        }
    }
    if (has(local_mode::signals) && input_signal(byte, echo, outcome))
        return;

    if (byte == '\r') {
        if ((termios_.input & input_mode::ignore_return) != 0)
            return;
        if ((termios_.input & input_mode::return_to_newline) != 0)
            byte = '\n';
    } else if (byte == '\n' && (termios_.input & input_mode::newline_to_return) != 0) {
        byte = '\r';
    }
    if (has(local_mode::canonical) && edit_line(byte, echo))
        return;

    if (!has_room()) {
        if ((termios_.input & input_mode::bell_when_full) != 0)
            put_byte(bell, echo);
        return;
    }
    echo_byte(byte, echo);
    store(byte);
}

bool LineDiscipline::is_signal_character(std::uint8_t byte) const {
    return has(local_mode::signals) &&
           (is_character(byte, ControlCharacter::interrupt) || is_character(byte, ControlCharacter::quit) ||
            is_character(byte, ControlCharacter::suspend));
}

// Returns whether the byte was a signal character and is thereby dealt with.
bool LineDiscipline::input_signal(std::uint8_t byte, TerminalSink& echo, InputOutcome& outcome) {
    if (is_character(byte, ControlCharacter::interrupt))
        outcome.interrupt = true;
    else if (is_character(byte, ControlCharacter::quit))
        outcome.quit = true;
    else if (is_character(byte, ControlCharacter::suspend))
        outcome.suspend = true;
    else
        return false;
    if (!has(local_mode::no_flush))
        flush_input();
    if (is_stopped_) {
        is_stopped_ = false;
        outcome.output_resumed = true;
    }
    echo_byte(byte, echo);
    return true;
}

// Returns whether the byte ended or edited the line and is thereby dealt with.
bool LineDiscipline::edit_line(std::uint8_t byte, TerminalSink& echo) {
    if (is_character(byte, ControlCharacter::erase)) {
        erase_character(echo);
        return true;
    }
    if (is_character(byte, ControlCharacter::kill)) {
        erase_line(echo);
        return true;
    }
    if (has(local_mode::extended)) {
        if (is_character(byte, ControlCharacter::word_erase)) {
            erase_word(echo);
            return true;
        }
        if (is_character(byte, ControlCharacter::literal_next)) {
            is_literal_next_ = true;
            if (has(local_mode::echo) && has(local_mode::echo_control)) {
                put_byte('^', echo);
                put_byte(backspace, echo);
            }
            return true;
        }
        if (is_character(byte, ControlCharacter::reprint) && has(local_mode::echo)) {
            reprint_line(echo);
            return true;
        }
    }
    if (byte == '\n') {
        if (has(local_mode::echo) || has(local_mode::echo_newline))
            put_processed('\n', echo);
        finish_line(byte);
        return true;
    }
    if (is_character(byte, ControlCharacter::end_of_file)) {
        finish_line(byte);
        is_file_end_.set((head_ - 1) % capacity);
        return true;
    }
    if (is_character(byte, ControlCharacter::end_of_line) ||
        (has(local_mode::extended) && is_character(byte, ControlCharacter::end_of_line_2))) {
        echo_byte(byte, echo);
        finish_line(byte);
        return true;
    }
    return false;
}

void LineDiscipline::store(std::uint8_t byte) {
    if (!has_room())
        return;
    auto const place = head_ % capacity;
    buffer_[place] = byte;
    is_line_end_.reset(place);
    is_file_end_.reset(place);
    ++head_;
    if (!has(local_mode::canonical))
        line_begin_ = head_;
}

// One place is always kept free for the byte that ends a line.
void LineDiscipline::finish_line(std::uint8_t byte) {
    if (count() >= capacity)
        --head_;
    auto const place = head_ % capacity;
    buffer_[place] = byte;
    is_line_end_.set(place);
    is_file_end_.reset(place);
    ++head_;
    line_begin_ = head_;
    line_begin_column_ = column_;
}

std::size_t LineDiscipline::readable_bytes() const {
    if (!has(local_mode::canonical))
        return count();
    std::size_t bytes = line_begin_ - tail_;
    for (auto position = tail_; position != line_begin_; ++position)
        bytes -= is_file_end_.test(position % capacity) ? 1 : 0;
    return bytes;
}

bool LineDiscipline::is_readable() const {
    return has(local_mode::canonical) ? line_begin_ != tail_ : head_ != tail_;
}

std::size_t LineDiscipline::read(MutableBytes into) {
    auto const end = has(local_mode::canonical) ? line_begin_ : head_;
    std::size_t done = 0;
    while (done < into.size() && tail_ != end) {
        auto const place = tail_ % capacity;
        bool const ends_line = has(local_mode::canonical) && is_line_end_.test(place);
        ++tail_;
        if (!ends_line || !is_file_end_.test(place))
            into[done++] = static_cast<std::byte>(buffer_[place]);
        if (ends_line)
            return done;
    }
    // A read that took the whole line but not its end-of-file mark takes the mark too, else the next read would see an
    // end of file that nobody typed.
    if (done > 0 && tail_ != end && has(local_mode::canonical) && is_file_end_.test(tail_ % capacity))
        ++tail_;
    return done;
}

void LineDiscipline::write(Bytes bytes, TerminalSink& sink) {
    if ((termios_.output & output_mode::process) == 0) {
        sink.put(bytes);
        return;
    }
    // Runs of plain text go out whole.
    std::size_t plain = 0;
    auto flush = [&](std::size_t until) {
        if (until > plain)
            sink.put(bytes.subspan(plain, until - plain));
    };
    for (std::size_t position = 0; position < bytes.size(); ++position) {
        auto const byte = static_cast<std::uint8_t>(bytes[position]);
        bool const folds = (termios_.output & output_mode::lower_to_upper) != 0 && byte >= 'a' && byte <= 'z';
        if (byte >= ' ' && byte != delete_character && !folds) {
            if ((termios_.input & input_mode::utf8) == 0 || !is_utf8_continuation(byte))
                ++column_;
            continue;
        }
        flush(position);
        put_processed(byte, sink);
        plain = position + 1;
    }
    flush(bytes.size());
}

void LineDiscipline::put_processed(std::uint8_t byte, TerminalSink& sink) {
    auto const output = termios_.output;
    if ((output & output_mode::process) == 0) {
        put_byte(byte, sink);
        return;
    }
    switch (byte) {
    case '\n':
        if ((output & (output_mode::newline_to_crlf | output_mode::newline_returns)) != 0)
            column_ = 0;
        if ((output & output_mode::newline_to_crlf) != 0)
            sink.put(as_bytes("\r\n"));
        else
            put_byte('\n', sink);
        return;
    case '\r':
        if ((output & output_mode::no_return_at_column_0) != 0 && column_ == 0)
            return;
        if ((output & output_mode::return_to_newline) != 0) {
            if ((output & output_mode::newline_returns) != 0)
                column_ = 0;
            put_byte('\n', sink);
            return;
        }
        column_ = 0;
        put_byte('\r', sink);
        return;
    case '\t': {
        auto const width = 8 - column_ % 8;
        column_ += width;
        if ((output & output_mode::expand_tabs) == output_mode::expand_tabs)
            sink.put(as_bytes(std::string_view("        ").substr(0, width)));
        else
            put_byte('\t', sink);
        return;
    }
    case backspace:
        if (column_ > 0)
            --column_;
        put_byte(byte, sink);
        return;
    default:
        if ((output & output_mode::lower_to_upper) != 0 && byte >= 'a' && byte <= 'z')
            byte = static_cast<std::uint8_t>(byte - ('a' - 'A'));
        if (!is_control(byte) && ((termios_.input & input_mode::utf8) == 0 || !is_utf8_continuation(byte)))
            ++column_;
        put_byte(byte, sink);
    }
}

void LineDiscipline::flush_input() {
    tail_ = head_;
    line_begin_ = head_;
    line_begin_column_ = column_;
    is_literal_next_ = false;
}

std::size_t LineDiscipline::take_unread(MutableBytes into) {
    std::size_t done = 0;
    while (done < into.size() && tail_ != head_) {
        into[done++] = static_cast<std::byte>(at(tail_));
        ++tail_;
    }
    line_begin_ = std::max(line_begin_, tail_);
    return done;
}

// ---- Echo ----

void LineDiscipline::echo_byte(std::uint8_t byte, TerminalSink& echo) {
    if (!has(local_mode::echo)) {
        if (byte == '\n' && has(local_mode::echo_newline) && has(local_mode::canonical))
            put_processed('\n', echo);
        return;
    }
    if (count() == line_begin_ - tail_)
        line_begin_column_ = column_;
    if (has(local_mode::echo_control) && is_control(byte) && byte != '\t' && byte != '\n') {
        put_byte('^', echo);
        put_byte(byte ^ 0x40, echo);
        column_ += 2;
        return;
    }
    put_processed(byte, echo);
}

// Screen columns that the edited line takes, from where its echo began; tabs make this depend on all that precedes.
std::size_t LineDiscipline::columns_of_line() const {
    auto column = line_begin_column_;
    for (auto position = line_begin_; position != head_; ++position) {
        auto const byte = at(position);
        if (byte == '\t')
            column += 8 - column % 8;
        else if (is_control(byte))
            column += has(local_mode::echo_control) ? 2 : 0;
        else if ((termios_.input & input_mode::utf8) == 0 || !is_utf8_continuation(byte))
            ++column;
    }
    return column;
}

// Takes the last character's echo off the screen, after the character has left the buffer.
void LineDiscipline::unecho(std::uint8_t erased, TerminalSink& echo) {
    if (!has(local_mode::echo))
        return;
    if (!has(local_mode::echo_erase)) {
        echo_byte(termios_[ControlCharacter::erase], echo);
        return;
    }
    auto const wanted = columns_of_line();
    if (erased == '\t') {
        while (column_ > wanted) {
            put_byte(backspace, echo);
            --column_;
        }
        return;
    }
    while (column_ > wanted) {
        echo.put(as_bytes("\b \b"));
        --column_;
    }
}

void LineDiscipline::erase_character(TerminalSink& echo) {
    if (head_ == line_begin_)
        return;
    std::uint8_t erased = 0;
    do {
        --head_;
        erased = at(head_);
    } while (head_ != line_begin_ && (termios_.input & input_mode::utf8) != 0 && is_utf8_continuation(erased));
    unecho(erased, echo);
}

void LineDiscipline::erase_word(TerminalSink& echo) {
    bool seen_word = false;
    while (head_ != line_begin_) {
        bool const is_word = is_word_character(at(head_ - 1));
        if (seen_word && !is_word)
            break;
        seen_word |= is_word;
        erase_character(echo);
    }
}

void LineDiscipline::erase_line(TerminalSink& echo) {
    if (has(local_mode::echo) && has(local_mode::echo_kill) && has(local_mode::echo_kill_erase) &&
        has(local_mode::echo_erase)) {
        while (head_ != line_begin_)
            erase_character(echo);
        return;
    }
    head_ = line_begin_;
    echo_byte(termios_[ControlCharacter::kill], echo);
    if (has(local_mode::echo) && has(local_mode::echo_kill))
        put_processed('\n', echo);
}

void LineDiscipline::reprint_line(TerminalSink& echo) {
    echo_byte(termios_[ControlCharacter::reprint], echo);
    put_processed('\n', echo);
    line_begin_column_ = column_;
    for (auto position = line_begin_; position != head_; ++position) {
        auto const byte = at(position);
        if (has(local_mode::echo_control) && is_control(byte) && byte != '\t') {
            put_byte('^', echo);
            put_byte(byte ^ 0x40, echo);
            column_ += 2;
        } else {
            put_processed(byte, echo);
        }
    }
}

}  // namespace astrata::linux_abi
