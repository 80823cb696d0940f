// All families together, sorted once.
#include <algorithm>
#include <array>

#include "apps/chevron/commands/command.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t command_limit = 128;

struct Table {
    Table() {
        std::size_t count = 0;
        for (auto const family : {general_commands, control_commands, power_commands, folder_commands, file_commands,
                                  text_commands, mount_commands, variable_commands, job_commands, process_commands,
                                  memory_commands, machine_commands, silo_commands, trace_commands}) {
            for (auto const& command : family)
                all[count++] = &command;
        }
        commands = std::span(all).first(count);
        std::ranges::sort(commands, [](Command const* left, Command const* right) { return left->name < right->name; });
    }
    std::array<Command const*, command_limit> all;
    std::span<Command const*> commands;
};

// Made at the first use, which is on the main thread before any other runs.
Table const& table() {
    static Table const made;
    return made;
}

}  // namespace

std::span<Command const* const> all_commands() {
    return table().commands;
}

Command const* find_command(std::string_view name) {
    auto const commands = all_commands();
    auto const found =
        std::ranges::lower_bound(commands, name, {}, [](Command const* command) { return command->name; });
    return found != commands.end() && (*found)->name == name ? *found : nullptr;
}

}  // namespace astrata::chevron
