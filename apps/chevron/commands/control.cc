// Commands for scripts: true, false, test, break, continue, exit.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/run/interpreter.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

int succeed(Context&) {
    return 0;
}

int fail_always(Context&) {
    return shell::status_failure;
}

int break_loop(Context& context) {
    return context.executor().request_break() ? 0 : context.fail("not in a loop");
}

int continue_loop(Context& context) {
    return context.executor().request_continue() ? 0 : context.fail("not in a loop");
}

int exit_shell(Context& context) {
    if (context.argument_count() > 1)
        return context.usage();
    int status = context.interpreter().status();
    if (context.argument_count() == 1) {
        auto const number = parse_number<std::uint8_t>(context.argument(0));
        if (!number)
            return context.usage();
        status = *number;
    }
    context.executor().request_exit();
    context.shell().request_exit();
    return status;
}

std::optional<bool> test_file(Context& context, char what, std::string_view name) {
    auto const path = context.path(name);
    auto const found = path ? context.shell().names().find(*path, what == 'L' ? LastLink::keep : LastLink::follow)
                            : fail(path.error());
    bool const exists = found.has_value();
    auto const is_kind = [&](abi::NodeKind kind) { return exists && found->attributes.kind == kind; };
    switch (what) {
    case 'e': return exists;
    case 'f': return is_kind(abi::NodeKind::file);
    case 'd': return is_kind(abi::NodeKind::directory);
    case 'L': return is_kind(abi::NodeKind::symbolic_link);
    case 's': return exists && found->attributes.size != 0;
    case 'x': return exists && (found->attributes.mode & 0111) != 0;
    default: return std::nullopt;
    }
}

std::optional<bool> test_numbers(std::string_view left, std::string_view operation, std::string_view right) {
    auto const first = parse_number<std::int64_t>(left);
    auto const second = parse_number<std::int64_t>(right);
    if (!first || !second)
        return std::nullopt;
    if (operation == "-eq")
        return *first == *second;
    if (operation == "-ne")
        return *first != *second;
    if (operation == "-lt")
        return *first < *second;
    if (operation == "-le")
        return *first <= *second;
    if (operation == "-gt")
        return *first > *second;
    if (operation == "-ge")
        return *first >= *second;
    return std::nullopt;
}

std::optional<bool> evaluate(Context& context, std::span<std::string_view const> words) {
    if (!words.empty() && words.front() == "!") {
        auto const inner = evaluate(context, words.subspan(1));  // as deep as there are `!`, refused below
        return inner ? std::optional(!*inner) : std::nullopt;
    }
    switch (words.size()) {
    case 0: return false;
    case 1: return !words[0].empty();
    case 2:
        if (words[0] == "-n")
            return !words[1].empty();
        if (words[0] == "-z")
            return words[1].empty();
        return words[0].size() == 2 && words[0][0] == '-' ? test_file(context, words[0][1], words[1]) : std::nullopt;
    case 3:
        if (words[1] == "=")
            return words[0] == words[2];
        if (words[1] == "!=")
            return words[0] != words[2];
        return test_numbers(words[0], words[1], words[2]);
    default: return std::nullopt;
    }
}

int test(Context& context) {
    auto words = context.arguments().subspan(1);
    if (context.arguments().front() == "[") {
        if (words.empty() || words.back() != "]")
            return context.usage();
        words = words.first(words.size() - 1);
    }
    if (words.size() > 4)
        return context.usage();
    auto const result = evaluate(context, words);
    if (!result)
        return context.usage();
    return *result ? 0 : shell::status_failure;
}

constexpr std::string_view test_usage =
    "[!] [-e|-f|-d|-L|-s|-x FILE | -n|-z TEXT | A =|!= B | N -eq|-ne|-lt|-le|-gt|-ge M]";

constexpr Command table[] = {
    {"true", "", "succeed", succeed},
    {"false", "", "fail", fail_always},
    {"test", test_usage, "compare texts or numbers, or look at a file; the result is the status", test,
     Completes::paths},
    {"[", "... ]", "the same as test", test, Completes::paths},
    {"break", "", "leave the loop", break_loop},
    {"continue", "", "go on with the next round of the loop", continue_loop},
    {"exit", "[STATUS]", "end the shell, and switch the machine off", exit_shell, Completes::nothing, Runs::shell_only},
};

}  // namespace

constinit std::span<Command const> const control_commands = table;

}  // namespace astrata::chevron
