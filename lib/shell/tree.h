// What a line of the command language means. Nodes are linked lists in an arena; they and their texts live as long as
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace astrata::shell {

enum class PartKind : std::uint8_t {
    literal,   ///< the text itself, quoting removed
    variable,  ///< the value of the variable of that name
    status,    ///< $?
};

struct WordPart {
    PartKind kind = PartKind::literal;
    bool is_quoted = false;  ///< neither split nor taken as a pattern
    std::string_view text;
    WordPart* next = nullptr;
};

struct Word {
    WordPart* parts = nullptr;
    std::uint32_t position = 0;  ///< byte of the source where it begins
    Word* next = nullptr;
};

enum class RedirectionKind : std::uint8_t { input, output, append, duplicate };

struct Redirection {
    RedirectionKind kind = RedirectionKind::input;
    std::uint8_t descriptor = 0;  ///< 0 input, 1 output, 2 error
    std::uint8_t source = 0;      ///< duplicate: the descriptor that it becomes a copy of
    Word* target = nullptr;       ///< else the file
    Redirection* next = nullptr;
};

struct Assignment {
    std::string_view name;
    Word* value = nullptr;
    Assignment* next = nullptr;
};

struct AndOr;

/// Commands one after another.
struct List {
    AndOr* first = nullptr;
};

struct Branch {
    List condition;
    List body;
    Branch* next = nullptr;
};

enum class CommandKind : std::uint8_t { simple, conditional, for_loop, while_loop };

struct Command {
    CommandKind kind = CommandKind::simple;
    std::uint32_t position = 0;
    Redirection* redirections = nullptr;
    Assignment* assignments = nullptr;  ///< simple
    Word* words = nullptr;              ///< simple: command and arguments; for_loop: the values
    Branch* branches = nullptr;         ///< conditional: if and each elif; while_loop: the one condition and body
    List otherwise;                     ///< conditional: else
    std::string_view variable;          ///< for_loop
    List body;                          ///< for_loop
    Command* next = nullptr;            ///< reads this one's output
};

enum class Connector : std::uint8_t { always, on_success, on_failure };

struct Pipeline {
    bool is_negated = false;
    Connector connector = Connector::always;  ///< when to run it, given the status of the one before
    std::size_t length = 0;
    Command* commands = nullptr;
    std::string_view source;  ///< its text
    Pipeline* next = nullptr;
};

struct AndOr {
    Pipeline* first = nullptr;
    bool is_background = false;
    std::string_view source;  ///< its text, for the list of jobs
    AndOr* next = nullptr;
};

}  // namespace astrata::shell
