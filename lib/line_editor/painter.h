// Where the line and the cursor are on the screen, and the bytes that bring the screen up to date.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace astrata::line_editor {

/// Where the bytes for the terminal go. A failure is the implementation's affair: an editor cannot do anything about
/// it.
class TerminalOutput {
public:
    virtual ~TerminalOutput() = default;
    virtual void write(std::string_view bytes) = 0;
};

/// Paints a prompt and a text that may be longer than a row. Positions are relative to the prompt's first cell, so the
/// screen may scroll. Output is collected and sent by flush().
class Painter {
public:
    explicit Painter(TerminalOutput& output) : output_(output) {}

    /// A new prompt at the cursor, which stands at the beginning of a row.
    void begin(std::string_view prompt, unsigned columns);
    /// Another prompt in the place of the present one; everything is to be painted again.
    void replace_prompt(std::string_view prompt);
    void set_columns(unsigned columns);

    /// The text changed from byte `changed` on; the cursor belongs before byte `cursor`.
    void text_changed(std::string_view text, std::size_t changed, std::size_t cursor);
    /// Only the cursor moved.
    void cursor_moved(std::string_view text, std::size_t cursor);
    /// Everything again: prompt and text, at the cursor's present row.
    void repaint(std::string_view text, std::size_t cursor);
    /// Clears the screen and paints on top of it.
    void clear_screen(std::string_view text, std::size_t cursor);
    /// Leaves the line: the cursor goes to the beginning of the row after the text.
    void finish(std::string_view text);

    void emit(std::string_view bytes);
    void flush();

    static constexpr std::size_t prompt_limit = 512;

private:
    struct Position {
        unsigned row = 0;
        unsigned column = 0;
    };
    [[nodiscard]] Position advance(Position from, std::string_view text) const;
    [[nodiscard]] Position position_of(std::string_view text, std::size_t index) const;
    void move_to(Position target);
    void emit_control(unsigned count, char final);

    TerminalOutput& output_;
    std::array<char, prompt_limit> prompt_storage_;
    std::size_t prompt_size_ = 0;
    unsigned columns_ = 80;
    Position cursor_;  // where the terminal's cursor is now
    std::array<char, 1024> pending_;
    std::size_t pending_size_ = 0;

    [[nodiscard]] std::string_view prompt() const { return {prompt_storage_.data(), prompt_size_}; }
};

}  // namespace astrata::line_editor
