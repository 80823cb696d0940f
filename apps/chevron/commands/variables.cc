// env, set, setenv, unsetenv.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

// `only_exported`: as programs get them. Collected first: printing may wait, and the variables are locked meanwhile.
int print_variables(Context& context, bool only_exported) {
    String text;
    auto const collected = context.shell().with_variables([&](shell::Variables const& variables) -> Result<> {
        for (std::size_t index = 0; index < variables.count(); ++index) {
            auto const variable = variables.at(index);
            if (only_exported && !variable.is_exported)
                continue;
            TRY(text.append(variable.name));
            TRY(text.append('='));
            TRY(text.append(variable.value));
            TRY(text.append('\n'));
        }
        return {};
    });
    if (!collected)
        return context.fail("variables", collected.error());
    context.out.print(text.view());
    return 0;
}

std::string_view reason(Error error) {
    switch (error) {
    case Error::invalid_argument: return "not a variable name";
    case Error::no_resources: return "no room for more variables";
    default: return name_of(error);
    }
}

int assign(Context& context, bool is_exported) {
    // NAME VALUE or NAME=VALUE
    auto name = context.argument(0);
    auto value = context.argument(1);
    if (context.argument_count() == 1) {
        auto const equals = name.find('=');
        if (equals == std::string_view::npos && !is_exported)
            return context.usage();
        if (equals != std::string_view::npos) {
            value = name.substr(equals + 1);
            name = name.substr(0, equals);
        }
    } else if (context.argument_count() != 2) {
        return context.usage();
    }
    bool const keeps_value = context.argument_count() == 1 && !context.argument(0).contains('=');
    auto const done = context.shell().with_variables([&](shell::Variables& variables) -> Result<> {
        if (!keeps_value)
            TRY(variables.set(name, value));
        return is_exported ? variables.set_exported(name) : Result<>();
    });
    return done ? 0 : context.fail(name, reason(done.error()));
}

int env(Context& context) {
    return context.argument_count() == 0 ? print_variables(context, true) : context.usage();
}

int set(Context& context) {
    return context.argument_count() == 0 ? print_variables(context, false) : assign(context, false);
}

int setenv(Context& context) {
    return context.argument_count() == 0 ? context.usage() : assign(context, true);
}

int unsetenv(Context& context) {
    if (context.argument_count() == 0)
        return context.usage();
    int status = 0;
    for (auto const name : context.arguments().subspan(1)) {
        if (!context.shell().with_variables([&](shell::Variables& variables) { return variables.remove(name); }))
            status = context.fail(name, "no such variable");
    }
    return status;
}

constexpr Command table[] = {
    {"env", "", "list the variables that programs get", env},
    {"set", "[NAME VALUE]", "list all variables, or set one for the shell only", set, Completes::variables,
     Runs::shell_only},
    {"setenv", "NAME [VALUE]", "set a variable and hand it to programs", setenv, Completes::variables,
     Runs::shell_only},
    {"unsetenv", "NAME...", "forget variables", unsetenv, Completes::variables, Runs::shell_only},
};

}  // namespace

constinit std::span<Command const> const variable_commands = table;

}  // namespace astrata::chevron
