// What Tab completes: commands, and for their arguments whatever the command's row says.
#pragma once

#include <string_view>

#include "apps/chevron/commands/command.h"
#include "lib/line_editor/completion.h"

namespace astrata::chevron {

class Completer final : public line_editor::Completer {
public:
    explicit Completer(Shell& shell) : shell_(shell) {}
    void complete(std::string_view line, std::size_t cursor, line_editor::Completions& completions) override;

private:
    void complete_command(std::string_view word, line_editor::Completions& completions);
    void complete_argument(Command const* command, std::string_view word, line_editor::Completions& completions);
    void complete_path(std::string_view word, bool folders_only, line_editor::Completions& completions);
    void complete_program(std::string_view word, line_editor::Completions& completions);
    void complete_variable(std::string_view word, std::string_view prefix, line_editor::Completions& completions);
    void complete_scheme(std::string_view word, line_editor::Completions& completions);
    void complete_strate(std::string_view word, line_editor::Completions& completions);

    Shell& shell_;
};

/// Where the word that ends at `cursor` begins, and whether it stands where a command's name is expected; `command` is
/// the name of the command that it is an argument of.
struct WordAtCursor {
    std::size_t start = 0;
    bool is_command = false;
    std::string_view command;
    std::size_t position = 0;  ///< among the arguments, from 0
};
WordAtCursor word_at(std::string_view line, std::size_t cursor);

}  // namespace astrata::chevron
