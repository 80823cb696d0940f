// silo and strate: looking at the parts of the system and controlling them.
#include <algorithm>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/commands/format.h"
#include "apps/chevron/commands/top.h"
#include "apps/chevron/commands/trace.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

constexpr std::string_view own_name = "chevron";

int complain_about(Context& context, std::string_view name, Error error) {
    switch (error) {
    case Error::not_found: return context.fail(name, "no such strate; `strate list' shows them");
    case Error::bad_state: return context.fail(name, "not possible in its present state");
    default: return context.fail(name, error);
    }
}

// Calls `use(abi::StrateInfo const&)` for each instance.
template <typename Use>
int for_each_instance(Context& context, Use use) {
    for (std::uint32_t position = 0; !context.is_stopping(); ++position) {
        auto const instance = context.shell().manager().instance(position);
        if (!instance)
            return instance.error() == Error::not_found ? 0 : context.fail("silo manager", instance.error());
        use(*instance);
    }
    return 0;
}

int list_silos(Context& context) {
    context.out.right("ID", 5).print("  ").left("NAME", 20).left("STATE", 11).right("PROCESSES", 9).right("THREADS", 9);
    context.out.right("MEMORY", 9).right("LIMIT", 9).right("CPU", 11).print('\n');
    return for_each_instance(context, [&](abi::StrateInfo const& info) {
        ShortText memory;
        ShortText limit;
        ShortText cpu;
        append_size(memory, info.memory_used);
        append_size(limit, info.memory_limit);
        append_seconds(cpu, info.cpu_time_ns);
        context.out.right(info.id, 5)
            .print("  ")
            .left(info.name.view(), 20)
            .left(name_of(info.state), 11)
            .right(info.processes, 9);
        context.out.right(info.threads, 9).right(memory.view(), 9);
        context.out.right(info.memory_limit == 0 ? "none" : limit.view(), 9).right(cpu.view(), 11).print('\n');
    });
}

int list_strates(Context& context) {
    context.out.left("NAME", 20)
        .left("MANIFEST", 18)
        .left("STATE", 11)
        .left("ISOLATION", 10)
        .right("RESTARTS", 8)
        .print("  SCHEME\n");
    return for_each_instance(context, [&](abi::StrateInfo const& info) {
        context.out.left(info.name.view(), 20).left(info.manifest.view(), 18).left(name_of(info.state), 11);
        context.out.left(name_of(info.isolation), 10).right(info.restarts, 8).print("  ", info.scheme.view(), '\n');
    });
}

template <typename Out>
void show_cpu_limits(Out& out, abi::StrateInfo const& info) {
    if (info.cpu_weight == 0)
        return;
    out.left("CPU limit", 12);
    if (info.cpu_quota_us == 0) {
        out.print("none");
    } else {
        ShortText share;
        ShortText paused;
        append_percent(share, info.cpu_quota_us, info.cpu_period_us);
        append_seconds(paused, info.cpu_paused_ns);
        out.print(share.view(), " of a CPU in each ", info.cpu_period_us / 1000, " ms; paused ", info.cpu_pauses,
                  " times, ", paused.view(), " s");
    }
    out.print(", weight ", info.cpu_weight, ", priority up to ", info.highest_priority, '\n');
}

int show_info(Context& context, std::string_view name) {
    auto const info = context.shell().manager().find(name);
    if (!info)
        return complain_about(context, name, info.error());
    ShortText used;
    ShortText peak;
    ShortText limit;
    ShortText cpu;
    append_size(used, info->memory_used);
    append_size(peak, info->memory_peak);
    append_size(limit, info->memory_limit);
    append_seconds(cpu, info->cpu_time_ns);
    auto& out = context.out;
    out.left("name", 12).print(info->name.view(), '\n').left("manifest", 12).print(info->manifest.view(), '\n');
    out.left("silo", 12).print(info->id, '\n').left("state", 12).print(name_of(info->state), '\n');
    out.left("isolation", 12).print(name_of(info->isolation), '\n');
    if (!info->scheme.view().empty())
        out.left("provides", 12).print(info->scheme.view(), '\n');
    out.left("memory", 12)
        .print(used.view(), ", peak ", peak.view(), ", limit ", info->memory_limit == 0 ? "none" : limit.view(), '\n');
    out.left("processes", 12).print(info->processes, ", threads ", info->threads, '\n');
    out.left("CPU time", 12).print(cpu.view(), " s\n");
    show_cpu_limits(out, *info);
    out.left("restarts", 12).print(info->restarts, '\n');
    ShortText started;
    append_seconds(started, info->started_ns);
    out.left("started", 12).print(started.view(), " s after boot\n");
    if (info->state == abi::StrateState::finished || info->state == abi::StrateState::crashed)
        out.left("exit code", 12).print(info->exit_code, '\n');
    return 0;
}

int show_log(Context& context, std::string_view name) {
    for (std::uint64_t position = 0; !context.is_stopping();) {
        auto const part = context.shell().manager().log(name, position);
        if (!part)
            return complain_about(context, name, part.error());
        if (part->text.is_empty() || part->next <= position)
            return 0;
        context.out.print(as_text(part->text.view()));
        position = part->next;
    }
    return 0;
}

// Numbers of Personality.trace's `enable`.
constexpr std::uint32_t trace_off = 0;
constexpr std::uint32_t trace_all = 1;
constexpr std::uint32_t trace_unknown = 2;
constexpr std::uint64_t trace_pause_ns = 100'000'000;

// With on or unknown, follows the calls until Ctrl-C and then switches tracing off; without, prints what there is.
int trace_linux(Context& context, std::string_view name, std::string_view what) {
    // The shell's own silo is made when it is first needed, and tracing may be what needs it.
    auto& programs = context.shell().programs();
    auto const personality = name == LinuxPrograms::silo ? programs.connect() : programs.connect_to(name);
    if (!personality)
        return personality.error() == Error::not_found ? context.fail(name, "no Linux silo of that name")
                                                       : context.fail(name, personality.error());
    bool const follows = what == "on" || what == "unknown";
    auto const enable = what == "on" ? trace_all : trace_unknown;
    if (what == "off" || follows) {
        auto const set = (*personality)->client().trace(what == "off" ? trace_off : enable, 0);
        if (!set)
            return context.fail(name, set.error());
        if (what == "off" || !context.is_output_console() || !context.is_foreground())
            return 0;
    } else if (!what.empty()) {
        return context.usage();
    }
    for (std::uint64_t position = 0; !context.is_stopping();) {
        auto const part = (*personality)->client().trace(follows ? enable : trace_unknown, position);
        if (!part)
            return context.fail(name, part.error());
        if (part->text.is_empty() || part->next <= position) {
            if (!follows)
                return 0;
            context.out.flush();
            (void)sys::thread_sleep(sys::clock_now() + trace_pause_ns);
            continue;
        }
        context.out.print(as_text(part->text.view()));
        position = part->next;
    }
    if (follows)
        (void)(*personality)->client().trace(trace_off, 0);
    return 0;
}

int limit_memory(Context& context, std::string_view name) {
    auto const size = parse_size(context.argument(3));
    if (!size)
        return context.usage();
    auto const set = context.shell().manager().set_memory_limit(name, *size);
    return set ? 0 : complain_about(context, name, set.error());
}

// "20%" of one CPU's time, "none", or "20%/50" in each 50 ms.
int limit_cpu(Context& context, std::string_view name) {
    constexpr std::uint64_t no_quota = ~std::uint64_t{0};
    constexpr std::uint64_t standard_period_ms = 100;
    constexpr std::uint64_t us_per_ms = 1000;
    auto const text = context.argument(3);
    auto quota_us = no_quota;
    auto period_ms = standard_period_ms;
    if (text != "none") {
        auto const sign = text.find('%');
        auto const percent = parse_size(text.substr(0, sign));
        if (sign == std::string_view::npos || !percent || *percent == 0 || *percent > 6400)
            return context.usage();
        if (auto const rest = text.substr(sign + 1); !rest.empty()) {
            auto const period = rest.front() == '/' ? parse_size(rest.substr(1)) : std::nullopt;
            if (!period || *period < 10 || *period > 1000)
                return context.fail(name, "a period has 10 to 1000 ms");
            period_ms = *period;
        }
        quota_us = *percent * period_ms * us_per_ms / 100;
    }
    auto const set = context.shell().manager().set_cpu_limits(name, quota_us, period_ms * us_per_ms, 0, 0);
    if (!set && set.error() == Error::out_of_range)
        return context.fail(name, "that is less than 1 ms in a period");
    return set ? 0 : complain_about(context, name, set.error());
}

int limit_number(Context& context, std::string_view name, std::string_view what) {
    auto const number = parse_size(context.argument(3));
    auto const highest = what == "weight" ? 10'000U : 31U;
    if (!number || *number == 0 || *number > highest)
        return context.fail(name, what == "weight" ? "a weight is 1 to 10000" : "a priority is 1 to 31");
    auto const value = static_cast<std::uint32_t>(*number);
    auto const set = context.shell().manager().set_cpu_limits(name, 0, 0, what == "weight" ? value : 0,
                                                              what == "priority" ? value : 0);
    return set ? 0 : complain_about(context, name, set.error());
}

int limit(Context& context) {
    auto const name = context.argument(1) == LinuxPrograms::short_name ? LinuxPrograms::silo : context.argument(1);
    auto const what = context.argument(2);
    if (context.argument_count() != 4)
        return context.usage();
    if (what == "memory")
        return limit_memory(context, name);
    if (what == "cpu")
        return limit_cpu(context, name);
    if (what == "weight" || what == "priority")
        return limit_number(context, name, what);
    return context.usage();
}

int control(Context& context, std::string_view verb, std::string_view name) {
    // Nobody would be left to ask for its start. Killed, it is started again.
    if (verb == "stop" && name == own_name)
        return context.fail(name, "this is the shell that you are typing to; `shutdown' stops the machine");
    auto const manager = context.shell().manager();
    auto const done = verb == "start"  ? manager.start(name)
                      : verb == "stop" ? manager.stop(name)
                      : verb == "kill" ? manager.kill(name)
                                       : manager.restart(name);
    return done ? 0 : complain_about(context, name, done.error());
}

int run_verb(Context& context, int (*list)(Context&), int (*trace)(Context&, std::string_view, std::string_view)) {
    auto const verb = context.argument(0);
    auto const name = context.argument(1) == LinuxPrograms::short_name ? LinuxPrograms::silo : context.argument(1);
    auto const count = context.argument_count();
    if (verb == "list" && count == 1)
        return list(context);
    if (verb == "top" && count == 1)
        return chevron::top(context);
    if (verb == "limit")
        return limit(context);
    if (verb == "trace" && (count == 2 || count == 3))
        return trace(context, name, context.argument(2));
    if (count != 2)
        return context.usage();
    if (verb == "info")
        return show_info(context, name);
    if (verb == "logs")
        return show_log(context, name);
    if (verb == "start" || verb == "stop" || verb == "kill" || verb == "restart")
        return control(context, verb, name);
    return context.usage();
}

int silo(Context& context) {
    return run_verb(context, list_silos, trace_linux);
}

int strate(Context& context) {
    return run_verb(context, list_strates, trace_strate);
}

constexpr std::string_view silo_verbs =
    "list | top | info|start|stop|kill|restart|logs NAME | trace NAME [on|unknown|off] | limit NAME memory SIZE | "
    "cpu PERCENT%[/PERIOD_MS]|none | weight N | priority N";
constexpr std::string_view strate_verbs =
    "list | top | info|start|stop|kill|restart|logs NAME | trace NAME [on|off] | limit NAME memory SIZE | "
    "cpu PERCENT%[/PERIOD_MS]|none | weight N | priority N";

constexpr Command table[] = {
    {"silo", silo_verbs, "look at silos and control them: memory, processes, CPU time", silo, Completes::verbs},
    {"strate", strate_verbs, "look at strates and control them: manifest, scheme, restarts", strate, Completes::verbs},
    {"top", "", "a table of silos that keeps itself up to date; q leaves", top},
};

}  // namespace

constinit std::span<Command const> const silo_commands = table;

}  // namespace astrata::chevron
