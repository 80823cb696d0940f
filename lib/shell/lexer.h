// Splits a line of the command language into tokens; words come with their quoting resolved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/result.h"
#include "lib/shell/arena.h"
#include "lib/shell/tree.h"

namespace astrata::shell {

/// Where and why a text is not in the language: `message`, at byte `position`, about the token `near` (may be empty).
struct SyntaxError {
    std::size_t position = 0;
    std::string_view message;
    std::string_view near;
    bool needs_more = false;  ///< the text is only unfinished: another line may complete it
};

enum class TokenKind : std::uint8_t {
    word,
    pipe,
    and_if,
    or_if,
    background,
    semicolon,
    newline,
    less,
    greater,
    append,
    duplicate,
    end,
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::size_t position = 0;
    std::size_t end = 0;          // byte after its last
    std::uint8_t descriptor = 0;  // less, greater, append, duplicate
    std::uint8_t source = 0;      // duplicate
    WordPart* parts = nullptr;    // word
    std::string_view text;        // as written
};

/// Whether `name` can name a variable: a letter or underscore, then letters, digits, underscores.
bool is_name(std::string_view name);

class Lexer {
public:
    /// The text is borrowed and outlives the tokens.
    Lexer(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

    /// errors    invalid_argument (see error()), no_memory (arena)
    [[nodiscard]] Result<Token> next();
    [[nodiscard]] SyntaxError const& error() const { return error_; }

private:
    [[nodiscard]] Result<Token> read_operator(std::size_t start);
    [[nodiscard]] Result<Token> read_redirection(std::size_t start, unsigned descriptor, bool is_explicit);
    [[nodiscard]] Result<Token> read_word(std::size_t start);
    [[nodiscard]] Result<> read_double_quoted();
    [[nodiscard]] Result<> read_single_quoted();
    [[nodiscard]] Result<> read_variable(bool is_quoted);
    [[nodiscard]] Result<> add_part(PartKind kind, std::string_view text, bool is_quoted);
    [[nodiscard]] Result<> add_range(std::size_t first, std::size_t last, bool is_quoted);
    [[nodiscard]] std::unexpected<Error> fail_at(std::size_t position, std::string_view message,
                                                 bool needs_more = false);

    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0';
    }
    [[nodiscard]] bool is_at_end() const { return position_ >= text_.size(); }
    void skip_blanks();
    [[nodiscard]] Token make(TokenKind kind, std::size_t start) const {
        return {.kind = kind, .position = start, .end = position_, .text = text_.substr(start, position_ - start)};
    }

    std::string_view text_;
    Arena& arena_;
    std::size_t position_ = 0;
    SyntaxError error_;
    WordPart* first_part_ = nullptr;  // of the word being read
    WordPart* last_part_ = nullptr;
};

}  // namespace astrata::shell
