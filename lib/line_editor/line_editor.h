// The line editor: keys in the manner of Emacs and readline, history with incremental search, completion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/line_editor/completion.h"
#include "lib/line_editor/history.h"
#include "lib/line_editor/key_decoder.h"
#include "lib/line_editor/line_buffer.h"
#include "lib/line_editor/painter.h"

namespace astrata::line_editor {

enum class Outcome : std::uint8_t {
    editing,       ///< the line is not finished: feed more
    line,          ///< Enter: line() is complete
    interrupted,   ///< Ctrl-C: the line was given up
    end_of_input,  ///< Ctrl-D on an empty line
};

struct Progress {
    std::size_t consumed = 0;  ///< bytes that were taken; the rest belongs to whoever reads next
    Outcome outcome = Outcome::editing;
};

class LineEditor {
public:
    /// All three are borrowed and outlive the editor.
    LineEditor(TerminalOutput& output, History& history, Completer* completer)
        : painter_(output), history_(history), completer_(completer) {}

    /// Shows the prompt and starts an empty line. `columns` of the terminal, 0 when unknown.
    void begin(std::string_view prompt, unsigned columns);

    /// Takes bytes from the terminal up to the one that finishes the line. After an outcome other than `editing`,
    /// begin() comes next.
    Progress feed(std::string_view bytes);

    /// The text; after the outcome `line`, the finished line without its end. Valid until the next begin() or feed().
    [[nodiscard]] std::string_view line() const { return line_.view(); }

    /// Finishes a line that will get no Enter because the input has ended. Returns whether there was any text.
    bool finish_at_end_of_input();

private:
    Outcome handle(KeyPress const& key);
    Outcome handle_control(char letter);
    Outcome accept();

    void insert(std::string_view text);
    void erase(std::size_t first, std::size_t last);
    void kill(std::size_t first, std::size_t last);
    void move(std::size_t position);
    void replace(std::string_view text);
    void transpose();
    void show_history(std::size_t index);

    void complete(bool list);
    void list_completions();

    bool handle_in_search(KeyPress const& key, Outcome& outcome);
    void begin_search();
    void search(std::size_t newest);
    void show_search(bool found);
    void end_search();

    [[nodiscard]] std::size_t word_start() const;  // letters and digits, for Alt-B
    [[nodiscard]] std::size_t word_end() const;
    [[nodiscard]] std::size_t blank_word_start() const;  // up to a blank, for Ctrl-W

    Painter painter_;
    History& history_;
    Completer* completer_;
    KeyDecoder decoder_;
    LineBuffer line_;
    LineBuffer killed_;
    LineBuffer unfinished_;  // what was being typed when browsing the history began
    Completions completions_;
    std::size_t cursor_ = 0;    // byte of line_, at a character boundary
    std::size_t browsing_ = 0;  // history entry shown; count() is the unfinished line
    bool tab_before_ = false;   // the previous key was a Tab that could not go further
    bool is_searching_ = false;
    LineBuffer query_;
    std::size_t match_ = 0;  // history entry that search shows; count() is none
    std::array<char, Painter::prompt_limit> prompt_;
    std::size_t prompt_size_ = 0;
    unsigned columns_ = 80;
};

}  // namespace astrata::line_editor
