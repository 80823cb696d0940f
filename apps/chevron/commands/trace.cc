// trace, and what `strate trace` does: Bedrock's events and system calls as text.
#include "apps/chevron/commands/trace.h"

#include "apps/chevron/commands/format.h"
#include "apps/chevron/commands/trace_view.h"
#include "apps/chevron/shell.h"
#include "lib/trace/format.h"

namespace astrata::chevron {
namespace {

using Line = TextBuffer<320>;

constexpr std::uint64_t pause_ns = 100'000'000;

int complain(Context& context, Error error) {
    return error == Error::bad_state ? context.fail("nothing was recorded yet; `trace start' begins")
                                     : context.fail("rings", error);
}

// "   12.345678 [0] "
void append_place(Line& line, TraceView const& view, abi::TraceRecord const& record) {
    auto const microseconds = view.nanoseconds(record) / 1000;
    line.decimal(microseconds / 1'000'000, 5).append('.').decimal(microseconds % 1'000'000, 6, '0');
    line.append(" [").append(record.cpu).append("] ");
}

int start(Context& context) {
    // trace start [GROUP,...] [NAME]
    auto const names = context.argument(1).empty() ? std::string_view("all") : context.argument(1);
    auto const groups = trace::groups_named(names);
    if (groups == abi::TraceGroups::none) {
        context.out.flush();
        context.err.print("trace: ", names, ": not known; there are");
        for (auto const& [name, group] : abi::trace_groups)
            context.err.print(' ', name);
        context.err.print(" and all\n").flush();
        return shell::status_usage;
    }
    std::uint64_t silo = 0;
    if (auto const name = context.argument(2); !name.empty()) {
        auto const found = context.shell().manager().find(name);
        if (!found)
            return context.fail(name, "no such strate; `strate list' shows them");
        silo = found->id;
    }
    auto const started = sys::trace_control(context.shell().root_silo(), groups, silo, 0, 0);
    return started ? 0 : context.fail("cannot record", started.error());
}

int stop(Context& context) {
    auto const stopped = sys::trace_control(context.shell().root_silo(), abi::TraceGroups::none, 0, 0, 0);
    return stopped ? 0 : context.fail("cannot stop", stopped.error());
}

int status(Context& context) {
    auto const view = TraceView::open(context.shell().root_silo());
    if (!view) {
        if (view.error() != Error::bad_state)
            return complain(context, view.error());
        context.out.print("off, nothing was recorded yet\n");
        return 0;
    }
    auto const groups = static_cast<abi::TraceGroups>(view->header().groups.load(std::memory_order_relaxed));
    context.out.left("recording", 12);
    if (groups == abi::TraceGroups::none)
        context.out.print(" nothing");
    for (auto const& [name, group] : abi::trace_groups) {
        if (has(groups, group))
            context.out.print(' ', name);
    }
    if (auto const silo = view->header().silo.load(std::memory_order_relaxed); silo != 0)
        context.out.print(", of silo ", silo);
    auto const written = view->written();
    auto const capacity = view->capacity();
    context.out.print('\n').left("events", 12).print(' ', written, '\n');
    context.out.left("room", 12).print(' ', capacity, " events, ", capacity * sizeof(abi::TraceRecord) >> 10, " KiB\n");
    return 0;
}

int show(Context& context) {
    auto const limit = context.argument(1).empty() ? std::optional<std::uint64_t>(~std::uint64_t{0})
                                                   : parse_number<std::uint64_t>(context.argument(1));
    if (!limit)
        return context.usage();
    auto view = TraceView::open(context.shell().root_silo());
    if (!view)
        return complain(context, view.error());
    // No more than there are now: showing them causes further ones.
    auto remaining = std::min(view->written(), view->capacity());
    for (; remaining != 0 && !context.is_stopping(); --remaining) {
        auto const record = view->next();
        if (!record)
            break;
        if (remaining > *limit)
            continue;
        Line line;
        append_place(line, *view, *record);
        if (record->thread == 0)
            line.append("idle");
        else
            line.append("thread ").append(record->thread);
        line.append("  ");
        trace::append_event(line, *record);
        context.out.print(line.view(), '\n');
    }
    return 0;
}

int trace_command(Context& context) {
    auto const verb = context.argument(0);
    auto const count = context.argument_count();
    if (verb == "start" && count <= 3)
        return start(context);
    if (verb == "stop" && count == 1)
        return stop(context);
    if (verb == "status" && count == 1)
        return status(context);
    if (verb == "show" && count <= 2)
        return show(context);
    return context.usage();
}

// Puts the begin and the end of calls together again.
class Calls {
public:
    /// The whole line for a call that is over, or that never will be; empty while it goes on.
    void append(Line& line, TraceView const& view, abi::TraceRecord const& record) {
        using enum abi::TraceEvent;
        if (record.event != system_call_enter && record.event != system_call_exit)
            return;
        auto* const slot = find(record.thread);
        if (record.event == system_call_enter) {
            if (slot == nullptr)
                return;  // more threads than there is room for: their calls are not shown
            if (slot->event == system_call_enter)
                append_call(line, view, *slot, nullptr);
            *slot = record;
            return;
        }
        if (slot != nullptr && slot->event == system_call_enter && slot->detail == record.detail)
            append_call(line, view, *slot, &record);
        if (slot != nullptr)
            *slot = {};
    }

private:
    static void append_call(Line& line, TraceView const& view, abi::TraceRecord const& enter,
                            abi::TraceRecord const* exit) {
        append_place(line, view, enter);
        line.append("thread ").append(enter.thread).append("  ");
        trace::append_call(line, enter);
        line.append(" = ");
        if (exit == nullptr) {
            line.append('?');
            return;
        }
        trace::append_status(line, exit->words[0]);
        auto const took = (view.nanoseconds(*exit) - view.nanoseconds(enter)) / 1000;
        line.append("  ").append(took).append(" us");
    }
    // The thread's slot, or a free one.
    abi::TraceRecord* find(std::uint32_t thread) {
        abi::TraceRecord* free = nullptr;
        for (auto& slot : begun_) {
            if (slot.event != abi::TraceEvent::none && slot.thread == thread)
                return &slot;
            if (slot.event == abi::TraceEvent::none)
                free = &slot;
        }
        return free;
    }

    std::array<abi::TraceRecord, 64> begun_{};
};

void show_calls(Context& context, TraceView& view, Calls& calls) {
    while (!context.is_stopping()) {
        auto const record = view.next();
        if (!record)
            return;
        Line line;
        calls.append(line, view, *record);
        if (line.size() != 0)
            context.out.print(line.view(), '\n');
    }
}

int follow(Context& context, TraceView& view) {
    Calls calls;
    while (!context.is_stopping()) {
        show_calls(context, view, calls);
        context.out.flush();
        (void)sys::thread_sleep(sys::clock_now() + pause_ns);
    }
    (void)stop(context);
    if (view.lost() != 0)
        context.out.print(view.lost(), " events were lost\n");
    return 0;
}

constexpr Command table[] = {
    {"trace", "start [GROUP,... [STRATE]] | stop | status | show [COUNT]",
     "record what the system does: system calls, IPC, scheduling, faults, interrupts", trace_command},
};

}  // namespace

int trace_strate(Context& context, std::string_view name, std::string_view what) {
    auto const found = context.shell().manager().find(name);
    if (!found)
        return found.error() == Error::not_found ? context.fail(name, "no such strate; `strate list' shows them")
                                                 : context.fail(name, found.error());
    if (what == "off")
        return stop(context);
    if (!what.empty() && what != "on")
        return context.usage();
    auto const root_silo = context.shell().root_silo();
    auto view = TraceView::open(root_silo);
    if (!view && view.error() != Error::bad_state)
        return context.fail("rings", view.error());
    if (what.empty()) {
        if (!view)
            return complain(context, view.error());
        Calls calls;
        show_calls(context, *view, calls);
        return 0;
    }
    if (view && view->header().groups.load(std::memory_order_relaxed) != 0)
        return context.fail("something is being recorded already; `trace stop' ends that");
    // What was recorded earlier is not of interest, and may be about others.
    if (view)
        view->skip_to_end();
    auto const started = sys::trace_control(root_silo, abi::TraceGroups::system_calls, found->id, 0, 0);
    if (!started)
        return context.fail("cannot record", started.error());
    if (!context.is_output_console() || !context.is_foreground())
        return 0;
    if (!view)
        view = TraceView::open(root_silo);
    if (!view)
        return complain(context, view.error());
    return follow(context, *view);
}

constinit std::span<Command const> const trace_commands = table;

}  // namespace astrata::chevron
