#include "lib/shell/parser.h"

#include <array>

namespace astrata::shell {
namespace {

constexpr std::array<std::string_view, 11> keywords = {"if", "then", "elif", "else",  "fi", "for",
                                                       "in", "do",   "done", "while", "!"};

// The text of a token that is a word written without quotes or variables, else empty.
std::string_view bare_word(Token const& token) {
    if (token.kind != TokenKind::word || token.parts == nullptr || token.parts->next != nullptr)
        return {};
    auto const& part = *token.parts;
    return part.kind == PartKind::literal && !part.is_quoted ? part.text : std::string_view{};
}

}  // namespace

Result<List> Parser::parse() {
    TRY(advance());
    auto const list = TRY(parse_list());
    if (token_.kind != TokenKind::end)
        return unexpected_token("unexpected");
    return list;
}

Result<> Parser::advance() {
    consumed_ = token_.end;
    auto token = lexer_.next();
    if (!token) {
        if (token.error() == Error::invalid_argument)
            error_ = lexer_.error();
        return fail(token.error());
    }
    token_ = *token;
    return {};
}

Result<> Parser::skip_newlines() {
    while (token_.kind == TokenKind::newline)
        TRY(advance());
    return {};
}

bool Parser::is_keyword(std::string_view keyword) const {
    return bare_word(token_) == keyword;
}

// What a list inside if, for or while ends with.
bool Parser::ends_list() const {
    if (token_.kind == TokenKind::end)
        return true;
    return is_keyword("then") || is_keyword("elif") || is_keyword("else") || is_keyword("fi") || is_keyword("do") ||
           is_keyword("done");
}

std::unexpected<Error> Parser::unexpected_token(std::string_view message) {
    bool const is_end = token_.kind == TokenKind::end;
    auto near = token_.text;
    if (token_.kind == TokenKind::newline)
        near = "end of line";
    if (is_end)
        near = "end of input";
    error_ = {.position = token_.position, .message = message, .near = near, .needs_more = is_end};
    return fail(Error::invalid_argument);
}

Result<> Parser::expect_keyword(std::string_view keyword, std::string_view message) {
    if (!is_keyword(keyword))
        return unexpected_token(message);
    return advance();
}

Result<List> Parser::parse_list() {
    List list;
    AndOr** tail = &list.first;
    for (;;) {
        TRY(skip_newlines());
        if (ends_list())
            return list;
        auto* const item = TRY(parse_and_or());
        *tail = item;
        tail = &item->next;
        if (token_.kind == TokenKind::background) {
            item->is_background = true;
            TRY(advance());
        } else if (token_.kind == TokenKind::semicolon || token_.kind == TokenKind::newline) {
            TRY(advance());
        } else {
            return list;
        }
    }
}

// A list that must not be empty.
Result<List> Parser::parse_body(std::string_view owner) {
    auto const list = TRY(parse_list());
    if (list.first == nullptr)
        return unexpected_token(owner);
    return list;
}

Result<AndOr*> Parser::parse_and_or() {
    auto* const result = TRY(arena_.make<AndOr>());
    auto const start = token_.position;
    Pipeline** tail = &result->first;
    auto connector = Connector::always;
    for (;;) {
        auto* const pipeline = TRY(parse_pipeline());
        pipeline->connector = connector;
        *tail = pipeline;
        tail = &pipeline->next;
        if (token_.kind == TokenKind::and_if)
            connector = Connector::on_success;
        else if (token_.kind == TokenKind::or_if)
            connector = Connector::on_failure;
        else
            break;
        TRY(advance());
        TRY(skip_newlines());
    }
    result->source = text_.substr(start, consumed_ - start);
    return result;
}

Result<Pipeline*> Parser::parse_pipeline() {
    auto* const result = TRY(arena_.make<Pipeline>());
    auto const start = token_.position;
    while (is_keyword("!")) {
        result->is_negated = !result->is_negated;
        TRY(advance());
    }
    Command** tail = &result->commands;
    for (;;) {
        auto* const command = TRY(parse_command());
        *tail = command;
        tail = &command->next;
        ++result->length;
        if (token_.kind != TokenKind::pipe)
            break;
        TRY(advance());
        TRY(skip_newlines());
    }
    result->source = text_.substr(start, consumed_ - start);
    return result;
}

Result<Command*> Parser::parse_command() {
    auto* const command = TRY(arena_.make<Command>());
    command->position = static_cast<std::uint32_t>(token_.position);
    bool const is_compound = is_keyword("if") || is_keyword("for") || is_keyword("while");
    if (!is_compound) {
        TRY(parse_simple(*command));
        return command;
    }
    if (depth_ == nesting_limit) {
        error_ = {.position = token_.position, .message = "if, for and while nest too deeply"};
        return fail(Error::invalid_argument);
    }
    ++depth_;
    if (is_keyword("if"))
        TRY(parse_if(*command));
    else if (is_keyword("for"))
        TRY(parse_for(*command));
    else
        TRY(parse_while(*command));
    --depth_;
    Redirection** tail = &command->redirections;
    while (TRY(parse_redirections(tail))) {
    }
    if (token_.kind == TokenKind::word && !ends_list())
        return unexpected_token("expected `;' before");
    return command;
}

Result<> Parser::parse_simple(Command& command) {
    for (auto const keyword : keywords) {
        if (keyword != "in" && is_keyword(keyword))
            return unexpected_token("unexpected");
    }
    Redirection** redirections = &command.redirections;
    Assignment** assignments = &command.assignments;
    Word** words = &command.words;
    bool is_empty = true;
    for (;; is_empty = false) {
        if (TRY(parse_redirections(redirections)))
            continue;
        if (token_.kind != TokenKind::word)
            break;
        if (command.words == nullptr) {
            auto* const assignment = TRY(take_assignment());
            if (assignment != nullptr) {
                *assignments = assignment;
                assignments = &assignment->next;
                continue;
            }
        }
        auto* const word = TRY(take_word());
        *words = word;
        words = &word->next;
    }
    if (is_empty)
        return unexpected_token("expected a command before");
    return {};
}

// NAME=... with the name and the equals sign unquoted; null if the word is none.
Result<Assignment*> Parser::take_assignment() {
    auto* const first = token_.parts;
    if (first == nullptr || first->kind != PartKind::literal || first->is_quoted)
        return nullptr;
    auto const equals = first->text.find('=');
    if (equals == std::string_view::npos || !is_name(first->text.substr(0, equals)))
        return nullptr;
    auto const name = first->text.substr(0, equals);
    auto* const word = TRY(take_word());
    first->text.remove_prefix(equals + 1);
    return arena_.make<Assignment>(name, word, nullptr);
}

Result<Word*> Parser::take_word() {
    auto* const word = TRY(arena_.make<Word>(token_.parts, static_cast<std::uint32_t>(token_.position), nullptr));
    TRY(advance());
    return word;
}

// Takes one redirection if there is one.
Result<bool> Parser::parse_redirections(Redirection**& tail) {
    switch (token_.kind) {
    case TokenKind::less:
    case TokenKind::greater:
    case TokenKind::append:
    case TokenKind::duplicate: break;
    default: return false;
    }
    auto* const redirection = TRY(parse_redirection());
    *tail = redirection;
    tail = &redirection->next;
    return true;
}

Result<Redirection*> Parser::parse_redirection() {
    auto* const redirection = TRY(arena_.make<Redirection>());
    redirection->descriptor = token_.descriptor;
    redirection->source = token_.source;
    auto const kind = token_.kind;
    TRY(advance());
    if (kind == TokenKind::duplicate) {
        redirection->kind = RedirectionKind::duplicate;
        return redirection;
    }
    redirection->kind = kind == TokenKind::less     ? RedirectionKind::input
                        : kind == TokenKind::append ? RedirectionKind::append
                                                    : RedirectionKind::output;
    if (token_.kind != TokenKind::word) {
        auto error = unexpected_token("expected a file name before");
        error_.needs_more = false;  // a second line would not be the file name
        return error;
    }
    redirection->target = TRY(take_word());
    return redirection;
}

Result<> Parser::parse_if(Command& command) {
    command.kind = CommandKind::conditional;
    Branch** tail = &command.branches;
    do {  // at `if` or `elif`
        TRY(advance());
        auto* const branch = TRY(arena_.make<Branch>());
        branch->condition = TRY(parse_body("expected a condition before"));
        TRY(expect_keyword("then", "expected `then' before"));
        branch->body = TRY(parse_body("expected a command before"));
        *tail = branch;
        tail = &branch->next;
    } while (is_keyword("elif"));
    if (is_keyword("else")) {
        TRY(advance());
        command.otherwise = TRY(parse_body("expected a command before"));
    }
    return expect_keyword("fi", "expected `fi' before");
}

Result<> Parser::parse_for(Command& command) {
    command.kind = CommandKind::for_loop;
    TRY(advance());
    command.variable = bare_word(token_);
    if (!is_name(command.variable))
        return unexpected_token("expected a variable name before");
    TRY(advance());
    TRY(skip_newlines());
    TRY(expect_keyword("in", "expected `in' before"));
    Word** tail = &command.words;
    while (token_.kind == TokenKind::word) {
        auto* const word = TRY(take_word());
        *tail = word;
        tail = &word->next;
    }
    if (token_.kind != TokenKind::semicolon && token_.kind != TokenKind::newline)
        return unexpected_token("expected `;' before");
    TRY(advance());
    TRY(skip_newlines());
    TRY(expect_keyword("do", "expected `do' before"));
    command.body = TRY(parse_body("expected a command before"));
    return expect_keyword("done", "expected `done' before");
}

Result<> Parser::parse_while(Command& command) {
    command.kind = CommandKind::while_loop;
    TRY(advance());
    command.branches = TRY(arena_.make<Branch>());
    command.branches->condition = TRY(parse_body("expected a condition before"));
    TRY(expect_keyword("do", "expected `do' before"));
    command.branches->body = TRY(parse_body("expected a command before"));
    return expect_keyword("done", "expected `done' before");
}

}  // namespace astrata::shell
