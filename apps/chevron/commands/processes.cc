// ps and kill, for native processes and those of the Linux silos.
#include <array>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t batch = 32;  // processes asked for at once

// Calls `use(abi::ProcessInfo const&)` for each native process; stops when it returns false.
template <typename Use>
Result<> for_each_process(Context& context, Use use) {
    std::uint64_t after = 0;
    std::array<abi::ProcessInfo, batch> infos;
    for (;;) {
        auto const count =
            TRY(sys::process_list(context.shell().root_silo(), after, std::as_writable_bytes(std::span(infos))));
        if (count == 0 || count > infos.size())
            return {};
        for (auto const& info : std::span(infos).first(count)) {
            after = info.id;
            if (!use(info))
                return {};
        }
    }
}

// Calls `use(std::string_view scheme)` for each personality.
template <typename Use>
void for_each_personality(Context& context, Use use) {
    for (std::uint32_t position = 0;; ++position) {
        auto const known = context.shell().manager().scheme(position);
        if (!known)
            return;
        if (known->interface.view() == "Personality")
            use(known->scheme.view());
    }
}

// The instance that runs in a silo; empty for the root silo and for what is not a strate.
ShortText& name_of_silo(Context& context, std::uint64_t silo, ShortText& name) {
    name.clear();
    for (std::uint32_t position = 0;; ++position) {
        auto const instance = context.shell().manager().instance(position);
        if (!instance)
            break;
        if (instance->id == silo) {
            name.append(instance->name.view());
            return name;
        }
    }
    name.append(silo);
    return name;
}

void print_row(Context& context, std::string_view id, std::string_view silo, std::string_view state,
               std::uint64_t threads, std::uint64_t cpu_ns, std::uint64_t memory, std::string_view name) {
    ShortText time;
    ShortText size;
    append_seconds(time, cpu_ns);
    append_size(size, memory);
    context.out.left(id, 12)
        .print(' ')
        .left(silo, 16)
        .print(' ')
        .left(state, 8)
        .right(threads, 8)
        .right(time.view(), 11);
    context.out.right(size.view(), 9).print("  ", name, '\n');
}

std::string_view linux_state(std::uint32_t letter) {
    switch (letter) {
    case 'R': return "running";
    case 'S': return "sleeping";
    case 'D': return "waiting";
    case 'T': return "stopped";
    case 'Z': return "zombie";
    default: return "?";
    }
}

void print_linux_processes(Context& context, std::string_view scheme) {
    auto const personality = context.shell().programs().connect_to(scheme);
    if (!personality)
        return;
    for (std::uint32_t after = 0; !context.is_stopping();) {
        auto const process = (*personality)->client().process(after);
        if (!process || process->pid <= after)
            return;
        after = process->pid;
        TextBuffer<64> id;
        id.append(scheme).append(':').append(process->pid);
        auto const command = process->command.view();
        print_row(context, id.view(), scheme, linux_state(process->state), process->threads,
                  process->user_ns + process->system_ns, process->resident_bytes,
                  command.empty() ? process->name.view() : command);
    }
}

int ps(Context& context) {
    if (context.argument_count() != 0)
        return context.usage();
    context.out.left("ID", 12)
        .print(' ')
        .left("SILO", 16)
        .print(' ')
        .left("STATE", 8)
        .right("THREADS", 8)
        .right("CPU", 11);
    context.out.right("MEMORY", 9).print("  NAME\n");
    auto const listed = for_each_process(context, [&](abi::ProcessInfo const& info) {
        TextBuffer<24> id;
        id.append(info.id);
        ShortText silo;
        print_row(context, id.view(), name_of_silo(context, info.silo_id, silo).view(), name_of(info.state),
                  info.threads, info.cpu_time_ns, info.memory_mapped, info.name.view());
        return !context.is_stopping();
    });
    if (!listed)
        return context.fail("processes", listed.error());
    for_each_personality(context, [&](std::string_view scheme) { print_linux_processes(context, scheme); });
    return 0;
}

// ---- kill ----

struct SignalName {
    std::string_view name;
    std::uint32_t number;
};
constexpr std::array<SignalName, 11> signal_names = {{{"HUP", 1},
                                                      {"INT", 2},
                                                      {"QUIT", 3},
                                                      {"KILL", 9},
                                                      {"USR1", 10},
                                                      {"USR2", 12},
                                                      {"PIPE", 13},
                                                      {"TERM", 15},
                                                      {"CONT", 18},
                                                      {"STOP", 19},
                                                      {"TSTP", 20}}};

std::optional<std::uint32_t> parse_signal(std::string_view text) {
    if (text.starts_with("SIG"))
        text.remove_prefix(3);
    for (auto const& known : signal_names) {
        if (known.name == text)
            return known.number;
    }
    auto const number = parse_number<std::uint32_t>(text);
    return number && *number >= 1 && *number <= 64 ? number : std::nullopt;
}

int kill_job(Context& context, std::string_view name, std::uint32_t number) {
    if (!context.is_foreground())
        return context.fail(name, "jobs are the shell's own: not in a pipeline or in the background");
    auto const job = context.shell().jobs().find(name);
    if (!job)
        return context.fail(name, "no such job; `jobs' lists them");
    auto const sent = job->signal(number);
    return sent ? 0 : context.fail(name, sent.error());
}

// A native process is killed with the strate that it belongs to: the silo manager is who holds it.
int kill_native(Context& context, std::string_view name, std::uint64_t id) {
    std::uint64_t silo = 0;
    auto const listed = for_each_process(context, [&](abi::ProcessInfo const& info) {
        if (info.id == id)
            silo = info.silo_id;
        return info.id < id;
    });
    if (!listed)
        return context.fail("processes", listed.error());
    if (silo == 0)
        return context.fail(name, "no such process");
    auto const manager = context.shell().manager();
    for (std::uint32_t position = 0;; ++position) {
        auto const instance = manager.instance(position);
        if (!instance)
            return context.fail(name, "belongs to no strate, so nobody can kill it");
        if (instance->id != silo)
            continue;
        auto const killed = manager.kill(instance->name.view());
        return killed ? 0 : context.fail(name, killed.error());
    }
}

// The personality's own kill is a program in its silo: PIDs mean something only there.
int kill_linux(Context& context, std::string_view scheme, std::string_view pid, std::uint32_t number) {
    if (!parse_number<std::uint32_t>(pid))
        return context.usage();
    if (scheme != LinuxPrograms::silo && scheme != LinuxPrograms::short_name)
        return context.fail(scheme, "not the shell's own Linux silo; `silo kill' ends it as a whole");
    std::array<std::byte, 1024> storage;
    shell::ProgramParameters parameters(storage);
    TextBuffer<8> option;
    option.append('-').append(number);
    auto const run = [&]() -> Result<abi::PersonalityClient::WaitReply> {
        TRY(parameters.add_argument("kill"));
        TRY(parameters.add_argument(option.view()));
        TRY(parameters.add_argument(pid));
        auto& hub = context.shell().hub();
        auto const nothing = TRY(context.shell().null_channel());
        auto const input = TRY(hub.attach(nothing));
        auto const error = TRY(hub.attach(context.streams().error));
        auto const job = TRY(context.shell().programs().start(
            parameters, {.input = input.endpoint(), .output = error.endpoint(), .error = error.endpoint()}));
        return job.wait();
    };
    auto const ended = run();
    if (!ended)
        return context.fail(pid, ended.error() == Error::not_found ? "the Linux silo has no `kill' program"
                                                                   : name_of(ended.error()));
    return ended->state == abi::JobState::exited ? static_cast<int>(ended->code) : shell::status_failure;
}

int kill(Context& context) {
    std::size_t first = 0;
    auto number = std::optional(signal_terminate);
    if (context.argument(0).starts_with('-')) {
        number = parse_signal(context.argument(0).substr(1));
        first = 1;
    }
    if (!number || first == context.argument_count())
        return context.usage();
    int status = 0;
    for (std::size_t position = first; position < context.argument_count(); ++position) {
        auto const name = context.argument(position);
        int done = 0;
        if (name.starts_with('%'))
            done = kill_job(context, name, *number);
        else if (auto const colon = name.find(':'); colon != std::string_view::npos)
            done = kill_linux(context, name.substr(0, colon), name.substr(colon + 1), *number);
        else if (auto const id = parse_number<std::uint64_t>(name); id)
            done = kill_native(context, name, *id);
        else
            return context.usage();
        status = std::max(status, done);
    }
    return status;
}

constexpr Command table[] = {
    {"ps", "", "list the processes, native and Linux", ps},
    {"kill", "[-SIGNAL] ID|SILO:PID|%JOB...", "end a process, named as ps shows it, or signal a Linux process or a job",
     kill},
};

}  // namespace

constinit std::span<Command const> const process_commands = table;

}  // namespace astrata::chevron
