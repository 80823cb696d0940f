// The terminal line discipline N_TTY: what happens to bytes between a terminal and the programs that read and write it,
// as termios(3) describes. A pure state machine: it neither locks nor blocks nor knows processes. Its owner (Terminal)
// serialises the calls, delivers the signals it asks for and wakes readers.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>

#include "lib/base/bytes.h"
#include "strates/linux/tty/termios.h"

namespace astrata::linux_abi {

/// Where bytes for the terminal's screen go. Called while input is processed (echo) and by write().
class TerminalSink {
public:
    virtual void put(Bytes bytes) = 0;

protected:
    ~TerminalSink() = default;
};

class LineDiscipline {
public:
    static constexpr std::size_t capacity = 4096;  ///< bytes of input that wait for a reader (N_TTY_BUF_SIZE)

    /// What the owner has to do after bytes came in.
    struct InputOutcome {
        std::size_t consumed = 0;     ///< fewer than given when the buffer is full and the terminal is not canonical
        bool interrupt = false;       ///< send SIGINT to the foreground group
        bool quit = false;            ///< send SIGQUIT
        bool suspend = false;         ///< send SIGTSTP
        bool output_resumed = false;  ///< flow control let output go on: wake writers
    };

    [[nodiscard]] Termios const& settings() const { return termios_; }
    /// Takes new settings; data already received stays readable.
    void set_settings(Termios const& termios);

    /// Bytes from the keyboard side. Echo goes to `echo`.
    InputOutcome input(Bytes bytes, TerminalSink& echo);

    /// Bytes that a read() would get now: in canonical mode those of complete lines only.
    [[nodiscard]] std::size_t readable_bytes() const;
    /// Whether a read() has something to return: in canonical mode a line or an end-of-file mark, else at least one
    /// byte.
    [[nodiscard]] bool is_readable() const;
    /// Room for more input.
    [[nodiscard]] bool has_room() const { return count() < capacity - 1; }
    /// Whether input is taken now. When full it is not, if a reader can make room; a line that is too long must still
    /// get its end, and loses what is between.
    [[nodiscard]] bool listens() const { return has_room() || (has(local_mode::canonical) && !is_readable()); }

    /// Takes bytes for one read(): in canonical mode up to the end of one line. Zero with is_readable() before the
    /// call: end of file.
    std::size_t read(MutableBytes into);

    /// Processes output by OPOST and hands it to `sink`. The caller has checked is_output_stopped().
    void write(Bytes bytes, TerminalSink& sink);
    [[nodiscard]] bool is_output_stopped() const { return is_stopped_; }
    void set_output_stopped(bool is_stopped) { is_stopped_ = is_stopped; }

    /// Drops what nobody has read (tcflush TCIFLUSH).
    void flush_input();

    /// Takes out everything that has not been read, raw, oldest first: type-ahead to give back when a session on a
    /// shared console ends.
    std::size_t take_unread(MutableBytes into);

private:
    [[nodiscard]] bool has(std::uint32_t local) const { return (termios_.local & local) != 0; }
    [[nodiscard]] bool is_signal_character(std::uint8_t byte) const;
    [[nodiscard]] bool is_character(std::uint8_t byte, ControlCharacter which) const {
        return byte != 0 && byte == termios_[which];
    }
    [[nodiscard]] std::size_t count() const { return head_ - tail_; }
    [[nodiscard]] std::uint8_t at(std::size_t position) const { return buffer_[position % capacity]; }

    void input_byte(std::uint8_t byte, TerminalSink& echo, InputOutcome& outcome);
    bool input_signal(std::uint8_t byte, TerminalSink& echo, InputOutcome& outcome);
    bool edit_line(std::uint8_t byte, TerminalSink& echo);
    void store(std::uint8_t byte);
    void finish_line(std::uint8_t byte);

    void erase_character(TerminalSink& echo);
    void erase_word(TerminalSink& echo);
    void erase_line(TerminalSink& echo);
    void reprint_line(TerminalSink& echo);
    void unecho(std::uint8_t erased, TerminalSink& echo);
    void echo_byte(std::uint8_t byte, TerminalSink& echo);
    void put_processed(std::uint8_t byte, TerminalSink& sink);
    [[nodiscard]] std::size_t columns_of_line() const;

    Termios termios_;
    // Positions count bytes since the beginning; a position's place is its remainder by `capacity`.
    std::array<std::uint8_t, capacity> buffer_ = {};
    std::bitset<capacity> is_line_end_;  // newline or another end of line, or an end-of-file mark
    std::bitset<capacity> is_file_end_;  // the mark itself, which reads as nothing
    std::size_t tail_ = 0;               // next byte to read
    std::size_t line_begin_ = 0;         // start of the line that is still being edited
    std::size_t head_ = 0;               // end of input
    bool is_literal_next_ = false;       // the byte after VLNEXT has no special meaning
    bool is_stopped_ = false;
    std::size_t column_ = 0;             // of the cursor, as far as our own output tells
    std::size_t line_begin_column_ = 0;  // where the edited line's echo began
};

}  // namespace astrata::linux_abi
