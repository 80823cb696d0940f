// What a built-in command is: a row of a table and a function.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "apps/chevron/io/channel.h"
#include "apps/chevron/io/printer.h"
#include "apps/chevron/names/path.h"
#include "lib/base/result.h"
#include "lib/shell/executor.h"

namespace astrata::chevron {

class Interpreter;
class Shell;
struct Command;

/// What Tab offers for a command's arguments.
enum class Completes : std::uint8_t { nothing, paths, folders, commands, variables, schemes, strates, verbs };

/// Where a command may run.
enum class Runs : std::uint8_t {
    anywhere,
    shell_only,  ///< it changes the shell itself: not in a pipeline or in the background
};

/// What a command gets. Its return value is its status.
class Context {
public:
    Context(Interpreter& interpreter, Command const& command, std::span<std::string_view const> arguments,
            Streams const& streams)
        : interpreter_(interpreter), command_(command), arguments_(arguments), streams_(streams), out(*streams.output),
          err(*streams.error) {}

    /// The first is the command's name.
    [[nodiscard]] std::span<std::string_view const> arguments() const { return arguments_; }
    /// The `position`-th after the name; empty if there are not so many.
    [[nodiscard]] std::string_view argument(std::size_t position) const {
        return position + 1 < arguments_.size() ? arguments_[position + 1] : std::string_view{};
    }
    [[nodiscard]] std::size_t argument_count() const { return arguments_.size() - 1; }
    [[nodiscard]] Shell& shell() const;
    [[nodiscard]] Interpreter& interpreter() const { return interpreter_; }
    [[nodiscard]] shell::Executor& executor() const;
    [[nodiscard]] shell::Arena& arena() const;
    [[nodiscard]] Channel& input() const { return *streams_.input; }
    [[nodiscard]] Streams const& streams() const { return streams_; }
    [[nodiscard]] bool is_output_console() const { return streams_.output->is_console(); }
    [[nodiscard]] bool is_foreground() const;

    /// Whether to end early: the user interrupted, or nobody reads the output any more. Long commands ask it often.
    [[nodiscard]] bool is_stopping();

    /// "NAME: SUBJECT: REASON" on standard error; returns the status for it.
    int fail(std::string_view subject, std::string_view reason);
    int fail(std::string_view subject, Error error) { return fail(subject, name_of(error)); }
    int fail(std::string_view reason);
    /// How the command is used, on standard error.
    int usage();

    /// The path that an argument means, from the working directory on.
    [[nodiscard]] Result<Path> path(std::string_view argument) const;

private:
    Interpreter& interpreter_;
    Command const& command_;
    std::span<std::string_view const> arguments_;
    Streams const& streams_;

public:
    Printer out;
    Printer err;
};

struct Command {
    std::string_view name;
    std::string_view usage;  ///< arguments only
    std::string_view help;   ///< one line
    int (*run)(Context&) = nullptr;
    Completes completes = Completes::nothing;
    Runs runs = Runs::anywhere;
};

/// All built-in commands, in alphabetical order.
std::span<Command const* const> all_commands();
Command const* find_command(std::string_view name);

// The tables of the families.
extern std::span<Command const> const general_commands;
extern std::span<Command const> const control_commands;
extern std::span<Command const> const power_commands;
extern std::span<Command const> const folder_commands;
extern std::span<Command const> const file_commands;
extern std::span<Command const> const text_commands;
extern std::span<Command const> const mount_commands;
extern std::span<Command const> const variable_commands;
extern std::span<Command const> const job_commands;
extern std::span<Command const> const process_commands;
extern std::span<Command const> const memory_commands;
extern std::span<Command const> const machine_commands;
extern std::span<Command const> const silo_commands;
extern std::span<Command const> const trace_commands;

/// A decimal number, all of the text.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number = 0;
    auto const [end, status] = std::from_chars(text.begin(), text.end(), number);
    if (text.empty() || status != std::errc{} || end != text.end())
        return std::nullopt;
    return number;
}

}  // namespace astrata::chevron
