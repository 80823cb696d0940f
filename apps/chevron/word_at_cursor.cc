#include "apps/chevron/completer.h"

namespace astrata::chevron {
namespace {

bool begins_command(char character) {
    return character == '|' || character == ';' || character == '&';
}

bool is_command_keyword(std::string_view word) {
    return word == "if" || word == "then" || word == "elif" || word == "else" || word == "while" || word == "do" ||
           word == "!";
}

}  // namespace

// Not the parser's work: the line is unfinished by nature, and a wrong guess costs a keystroke.
WordAtCursor word_at(std::string_view line, std::size_t cursor) {
    WordAtCursor word = {.is_command = true};
    auto const text = line.substr(0, cursor);
    std::size_t index = 0;
    bool is_redirection = false;
    while (index < text.size()) {
        auto const character = text[index];
        if (character == ' ' || character == '\t') {
            ++index;
        } else if (begins_command(character)) {
            word = {.is_command = true};
            is_redirection = false;
            ++index;
        } else if (character == '<' || character == '>') {
            is_redirection = true;
            ++index;
        } else {
            auto const start = index;
            while (index < text.size() && std::string_view(" \t|;&<>").find(text[index]) == std::string_view::npos)
                index += text[index] == '\\' && index + 1 < text.size() ? 2 : 1;
            if (index >= text.size()) {
                word.start = start;
                if (is_redirection)
                    word = {.start = start, .position = word.position};
                return word;
            }
            auto const finished = text.substr(start, index - start);
            if (is_redirection) {
                is_redirection = false;
            } else if (!word.is_command) {
                ++word.position;
            } else if (!is_command_keyword(finished) && finished.find('=') == std::string_view::npos) {
                word = {.command = finished};
            }
        }
    }
    word.start = text.size();
    if (is_redirection)
        word = {.start = text.size(), .position = word.position};
    return word;
}

}  // namespace astrata::chevron
