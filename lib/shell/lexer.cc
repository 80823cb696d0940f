#include "lib/shell/lexer.h"

namespace astrata::shell {
namespace {

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool begins_name(char character) {
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') || character == '_';
}

bool continues_name(char character) {
    return begins_name(character) || is_digit(character);
}

// Ends an unquoted word.
bool is_delimiter(char character) {
    switch (character) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '|':
    case '&':
    case ';':
    case '<':
    case '>':
    case '(':
    case ')': return true;
    default: return false;
    }
}

}  // namespace

bool is_name(std::string_view name) {
    if (name.empty() || !begins_name(name.front()))
        return false;
    for (auto const character : name) {
        if (!continues_name(character))
            return false;
    }
    return true;
}

std::unexpected<Error> Lexer::fail_at(std::size_t position, std::string_view message, bool needs_more) {
    error_ = {.position = position, .message = message, .needs_more = needs_more};
    return fail(Error::invalid_argument);
}

void Lexer::skip_blanks() {
    for (;;) {
        if (peek() == ' ' || peek() == '\t' || peek() == '\r') {
            ++position_;
        } else if (peek() == '\\' && peek(1) == '\n') {
            position_ += 2;
        } else {
            break;
        }
    }
    if (peek() == '#') {
        while (!is_at_end() && peek() != '\n')
            ++position_;
    }
}

Result<Token> Lexer::next() {
    skip_blanks();
    auto const start = position_;
    if (is_at_end())
        return make(TokenKind::end, start);
    if (peek() == '\0')
        return fail_at(start, "unexpected NUL character");
    if (is_delimiter(peek()))
        return read_operator(start);
    // A number right before < or > is the descriptor to redirect.
    std::size_t digits = 0;
    while (is_digit(peek(digits)))
        ++digits;
    if (digits > 0 && (peek(digits) == '<' || peek(digits) == '>')) {
        auto const number = peek() - '0';
        if (digits > 1 || number > 2)
            return fail_at(start, "only the descriptors 0, 1 and 2 can be redirected");
        ++position_;
        return read_redirection(start, static_cast<unsigned>(number), true);
    }
    return read_word(start);
}

Result<Token> Lexer::read_operator(std::size_t start) {
    auto const character = peek();
    auto const simple = [&](TokenKind one, TokenKind two) {
        ++position_;
        if (peek() != character)
            return make(one, start);
        ++position_;
        return make(two, start);
    };
    switch (character) {
    case '|': return simple(TokenKind::pipe, TokenKind::or_if);
    case '&': return simple(TokenKind::background, TokenKind::and_if);
    case ';': ++position_; return make(TokenKind::semicolon, start);
    case '\n': ++position_; return make(TokenKind::newline, start);
    case '<':
    case '>': return read_redirection(start, 0, false);
    default: return fail_at(start, "parentheses are not supported here: quote them");
    }
}

Result<Token> Lexer::read_redirection(std::size_t start, unsigned descriptor, bool is_explicit) {
    bool const is_input = peek() == '<';
    ++position_;
    if (!is_explicit)
        descriptor = is_input ? 0 : 1;
    if (is_input && peek() == '<')
        return fail_at(start, "here-documents are not supported");
    if (is_input != (descriptor == 0))
        return fail_at(start, is_input ? "only descriptor 0 can read from a file" : "descriptor 0 cannot be written");
    auto kind = is_input ? TokenKind::less : TokenKind::greater;
    unsigned source = 0;
    if (!is_input && peek() == '>') {
        ++position_;
        kind = TokenKind::append;
    } else if (!is_input && peek() == '&') {
        ++position_;
        if ((peek() != '1' && peek() != '2') || is_digit(peek(1)))
            return fail_at(start, "a copied descriptor must be 1 or 2");
        source = static_cast<unsigned>(peek() - '0');
        ++position_;
        kind = TokenKind::duplicate;
    }
    auto token = make(kind, start);
    token.descriptor = static_cast<std::uint8_t>(descriptor);
    token.source = static_cast<std::uint8_t>(source);
    return token;
}

Result<Token> Lexer::read_word(std::size_t start) {
    first_part_ = last_part_ = nullptr;
    auto plain = position_;  // where the literal text since the last part begins
    while (!is_at_end() && !is_delimiter(peek())) {
        auto const character = peek();
        if (character == '\0')
            return fail_at(position_, "unexpected NUL character");
        if (character != '\\' && character != '\'' && character != '"' && character != '$') {
            ++position_;
            continue;
        }
        TRY(add_range(plain, position_, false));
        if (character == '\\') {
            if (position_ + 1 >= text_.size())
                return fail_at(position_, "nothing follows the backslash", true);
            if (peek(1) != '\n')
                TRY(add_range(position_ + 1, position_ + 2, true));
            position_ += 2;
        } else if (character == '\'') {
            TRY(read_single_quoted());
        } else if (character == '"') {
            TRY(read_double_quoted());
        } else {
            TRY(read_variable(false));
        }
        plain = position_;
    }
    TRY(add_range(plain, position_, false));
    auto token = make(TokenKind::word, start);
    token.parts = first_part_;
    return token;
}

Result<> Lexer::read_single_quoted() {
    auto const start = position_;
    auto const close = text_.find('\'', start + 1);
    if (close == std::string_view::npos)
        return fail_at(start, "unclosed quote", true);
    position_ = close + 1;
    return add_part(PartKind::literal, text_.substr(start + 1, close - start - 1), true);
}

Result<> Lexer::read_double_quoted() {
    auto const start = position_;
    ++position_;
    auto plain = position_;
    // Even an empty pair of quotes makes a word.
    TRY(add_part(PartKind::literal, {}, true));
    for (;;) {
        if (is_at_end())
            return fail_at(start, "unclosed quote", true);
        auto const character = peek();
        if (character == '"')
            break;
        if (character == '$') {
            TRY(add_range(plain, position_, true));
            TRY(read_variable(true));
            plain = position_;
        } else if (character == '\\' && (peek(1) == '"' || peek(1) == '\\' || peek(1) == '$' || peek(1) == '\n')) {
            TRY(add_range(plain, position_, true));
            // The escaped character begins the next stretch of plain text; an escaped line end vanishes.
            plain = peek(1) == '\n' ? position_ + 2 : position_ + 1;
            position_ += 2;
        } else {
            ++position_;
        }
    }
    TRY(add_range(plain, position_, true));
    ++position_;
    return {};
}

Result<> Lexer::read_variable(bool is_quoted) {
    auto const start = position_;
    ++position_;
    if (peek() == '?') {
        ++position_;
        return add_part(PartKind::status, {}, is_quoted);
    }
    if (peek() == '{') {
        auto const close = text_.find('}', position_);
        if (close == std::string_view::npos)
            return fail_at(start, "unclosed ${", true);
        auto const name = text_.substr(position_ + 1, close - position_ - 1);
        if (name != "?" && !is_name(name))
            return fail_at(start, "not a variable name");
        position_ = close + 1;
        return name == "?" ? add_part(PartKind::status, {}, is_quoted) : add_part(PartKind::variable, name, is_quoted);
    }
    if (!begins_name(peek()))
        return add_part(PartKind::literal, "$", true);
    auto const first = position_;
    while (continues_name(peek()))
        ++position_;
    return add_part(PartKind::variable, text_.substr(first, position_ - first), is_quoted);
}

Result<> Lexer::add_range(std::size_t first, std::size_t last, bool is_quoted) {
    if (first == last)
        return {};
    return add_part(PartKind::literal, text_.substr(first, last - first), is_quoted);
}

Result<> Lexer::add_part(PartKind kind, std::string_view text, bool is_quoted) {
    auto* const part = TRY(arena_.make<WordPart>(kind, is_quoted, text, nullptr));
    (last_part_ == nullptr ? first_part_ : last_part_->next) = part;
    last_part_ = part;
    return {};
}

}  // namespace astrata::shell
