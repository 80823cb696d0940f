// help, version, clear, echo, date, uptime, history: what every shell has.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"
#include "machine/processor.h"

namespace astrata::chevron {
namespace {

int help(Context& context) {
    if (context.argument_count() > 1)
        return context.usage();
    if (context.argument_count() == 1) {
        auto const* const command = find_command(context.argument(0));
        if (command == nullptr)
            return context.fail(context.argument(0), "no such command; `help' lists them");
        context.out.print(command->name, command->usage.empty() ? "" : " ", command->usage, '\n', "  ", command->help,
                          '\n');
        return 0;
    }
    std::size_t widest = 0;
    for (auto const* command : all_commands())
        widest = std::max(widest, command->name.size());
    for (auto const* command : all_commands())
        context.out.left(command->name, widest + 2).print(command->help, '\n');
    context.out.print(
        "Other words are Linux programs, looked for along $PATH. `help NAME' shows how a command is used.\n");
    return 0;
}

int version(Context& context) {
    auto const machine = sys::machine_info(context.shell().root_silo());
    if (!machine)
        return context.fail("machine", machine.error());
    context.out.print("Astrata 0.1 on ", machine_name, ", ", machine->cpus_online,
                      machine->cpus_online == 1 ? " CPU" : " CPUs", '\n');
    if (!machine->command_line.view().empty())
        context.out.print("started with: ", machine->command_line.view(), '\n');
    return 0;
}

int clear(Context& context) {
    context.out.print("\x1b[H\x1b[2J");
    return 0;
}

int echo(Context& context) {
    bool const has_newline = context.argument(0) != "-n";
    for (std::size_t position = has_newline ? 0 : 1; position < context.argument_count(); ++position) {
        if (position > (has_newline ? 0U : 1U))
            context.out.print(' ');
        context.out.print(context.argument(position));
    }
    if (has_newline)
        context.out.print('\n');
    return 0;
}

int date(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    ShortText text;
    append_date(text, static_cast<std::int64_t>(sys::clock_wall_ns() / 1'000'000'000));
    context.out.print(text.view(), '\n');
    return 0;
}

int uptime(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    auto const machine = sys::machine_info(context.shell().root_silo());
    if (!machine)
        return context.fail("machine", machine.error());
    ShortText up;
    append_uptime(up, machine->uptime_ns);
    // Time that the CPUs did something, of the time they had.
    std::uint64_t idle = 0;
    std::uint64_t busy = 0;
    for (std::uint32_t index = 0; index < machine->cpus; ++index) {
        if (auto const cpu = sys::cpu_info(context.shell().root_silo(), index); cpu) {
            idle += cpu->idle_ns;
            busy += cpu->busy_ns;
        }
    }
    ShortText load;
    append_percent(load, busy, idle + busy);
    context.out.print("up ", up.view(), ", CPUs busy ", load.view(), " of it\n");
    return 0;
}

int history(Context& context) {
    auto const& lines = context.shell().history();
    for (std::size_t index = 0; index < lines.count(); ++index)
        context.out.right(index + 1, 5).print("  ", lines.entry(index), '\n');
    return 0;
}

constexpr Command table[] = {
    {"help", "[COMMAND]", "list the commands, or show how one is used", help, Completes::commands},
    {"version", "", "say what is running", version},
    {"clear", "", "clear the screen", clear},
    {"echo", "[-n] [TEXT...]", "print its arguments", echo, Completes::paths},
    {"date", "", "print date and time (UTC)", date},
    {"uptime", "", "how long the system has been running", uptime},
    {"history", "", "list the lines entered before", history},
};

}  // namespace

constinit std::span<Command const> const general_commands = table;

}  // namespace astrata::chevron
