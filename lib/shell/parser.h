// Parser of the command language:
//   list     = andor { (";" | "&" | newline) andor }
//   andor    = pipeline { ("&&" | "||") pipeline }
//   pipeline = [ "!" ] command { "|" command }
//   command  = { NAME=word } { word | redirection }
//            | "if" list "then" list { "elif" list "then" list } [ "else" list ] "fi" { redirection }
//            | "for" NAME "in" { word } ";" "do" list "done" { redirection }
//            | "while" list "do" list "done" { redirection }
#pragma once

#include <cstddef>
#include <string_view>

#include "lib/base/result.h"
#include "lib/shell/arena.h"
#include "lib/shell/lexer.h"
#include "lib/shell/tree.h"

namespace astrata::shell {

/// How deep if, for and while may nest: the parser's and the executor's recursion.
inline constexpr unsigned nesting_limit = 32;

class Parser {
public:
    /// The text is borrowed and outlives the tree.
    Parser(std::string_view text, Arena& arena) : arena_(arena), lexer_(text, arena), text_(text) {}

    /// The whole text. An empty one is an empty list.
    /// errors    invalid_argument (not in the language: see error()), no_memory (the arena is full: the text is too
    /// long)
    [[nodiscard]] Result<List> parse();
    [[nodiscard]] SyntaxError const& error() const { return error_; }

private:
    [[nodiscard]] Result<> advance();
    [[nodiscard]] Result<> skip_newlines();
    [[nodiscard]] bool is_keyword(std::string_view keyword) const;
    [[nodiscard]] bool ends_list() const;
    [[nodiscard]] Result<> expect_keyword(std::string_view keyword, std::string_view message);
    [[nodiscard]] std::unexpected<Error> unexpected_token(std::string_view message);

    [[nodiscard]] Result<List> parse_list();
    [[nodiscard]] Result<List> parse_body(std::string_view owner);
    [[nodiscard]] Result<AndOr*> parse_and_or();
    [[nodiscard]] Result<Pipeline*> parse_pipeline();
    [[nodiscard]] Result<Command*> parse_command();
    [[nodiscard]] Result<> parse_simple(Command& command);
    [[nodiscard]] Result<> parse_if(Command& command);
    [[nodiscard]] Result<> parse_for(Command& command);
    [[nodiscard]] Result<> parse_while(Command& command);
    [[nodiscard]] Result<Redirection*> parse_redirection();
    [[nodiscard]] Result<bool> parse_redirections(Redirection**& tail);
    [[nodiscard]] Result<Assignment*> take_assignment();
    [[nodiscard]] Result<Word*> take_word();

    Arena& arena_;
    Lexer lexer_;
    std::string_view text_;
    Token token_;
    std::size_t consumed_ = 0;  // byte after the last token taken
    unsigned depth_ = 0;
    SyntaxError error_;
};

}  // namespace astrata::shell
