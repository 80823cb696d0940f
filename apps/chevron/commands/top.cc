#include "apps/chevron/commands/top.h"

#include <algorithm>

#include "apps/chevron/commands/format.h"
#include "apps/chevron/shell.h"
#include "lib/containers/vector.h"

namespace astrata::chevron {
namespace {

constexpr std::uint64_t period_ns = 1'000'000'000;
constexpr std::uint64_t step_ns = 50'000'000;  // between looks at Ctrl-C where there is no console to wait for
constexpr std::uint32_t instance_limit = 256;

struct Sample {
    MonotonicNs time;
    Vector<abi::StrateInfo> silos;
};

Result<Sample> take_sample(Context& context) {
    Sample sample;
    sample.time = sys::clock_now();
    for (std::uint32_t position = 0; position < instance_limit; ++position) {
        auto const instance = context.shell().manager().instance(position);
        if (!instance) {
            if (instance.error() != Error::not_found)
                return fail(instance.error());
            break;
        }
        TRY(sample.silos.push_back(*instance));
    }
    return sample;
}

// How far one of a silo's counters went between the samples; a silo that is new, or was restarted, counts from zero.
std::uint64_t grown_since(Sample const& before, abi::StrateInfo const& now, std::uint64_t abi::StrateInfo::* counter) {
    for (auto const& silo : before.silos) {
        if (silo.id == now.id)
            return now.*counter - std::min(now.*counter, silo.*counter);
    }
    return now.*counter;
}
std::uint64_t used_since(Sample const& before, abi::StrateInfo const& now) {
    return grown_since(before, now, &abi::StrateInfo::cpu_time_ns);
}

void print_table(Context& context, Sample const& before, Sample& now, std::size_t rows) {
    auto const elapsed = now.time.value - before.time.value;
    auto& out = context.out;
    if (auto const machine = sys::machine_info(context.shell().root_silo()); machine) {
        ShortText up;
        ShortText free;
        ShortText total;
        append_uptime(up, machine->uptime_ns);
        append_size(free, machine->memory_free);
        append_size(total, machine->memory_total);
        out.print("up ", up.view(), "   ", machine->cpus_online, " CPUs   memory ", total.view(), ", free ",
                  free.view(), "\x1b[K\n");
    }
    std::ranges::sort(now.silos.span(), [&](abi::StrateInfo const& left, abi::StrateInfo const& right) {
        auto const left_used = used_since(before, left);
        auto const right_used = used_since(before, right);
        return left_used != right_used ? left_used > right_used : left.id < right.id;
    });
    out.right("ID", 5)
        .print("  ")
        .left("SILO", 20)
        .left("STATE", 11)
        .right("CPU", 8)
        .right("TIME", 11)
        .right("MEMORY", 9);
    out.right("THREADS", 9).right("CALLS/S", 10).right("FAULTS/S", 10).print("\x1b[K\n");
    auto per_second = [&](abi::StrateInfo const& silo, std::uint64_t abi::StrateInfo::* counter) {
        return grown_since(before, silo, counter) * 1000 / std::max<std::uint64_t>(elapsed / 1'000'000, 1);
    };
    std::size_t shown = 0;
    for (auto const& silo : now.silos) {
        if (shown++ == rows)
            break;
        ShortText share;
        ShortText time;
        ShortText memory;
        append_percent(share, used_since(before, silo), elapsed);
        append_seconds(time, silo.cpu_time_ns);
        append_size(memory, silo.memory_used);
        out.right(silo.id, 5)
            .print("  ")
            .left(silo.name.view(), 20)
            .left(name_of(silo.state), 11)
            .right(share.view(), 8);
        out.right(time.view(), 11).right(memory.view(), 9).right(silo.threads, 9);
        out.right(per_second(silo, &abi::StrateInfo::system_calls), 10)
            .right(per_second(silo, &abi::StrateInfo::page_faults), 10)
            .print("\x1b[K\n");
    }
}

// Waits for the next period; false when the user wants to leave.
bool wait_on_console(Context& context, MonotonicNs until) {
    auto& console = context.shell().console();
    while (sys::clock_now() < until) {
        auto const key = console.read_key(until);
        if (key == 'q' || key == 'Q' || key == 3)
            return false;
        if (key < 0 && console.is_at_end())
            return false;
    }
    return true;
}

bool wait_elsewhere(Context& context, MonotonicNs until) {
    while (sys::clock_now() < until) {
        if (context.is_stopping())
            return false;
        (void)sys::thread_sleep(std::min(until, sys::clock_now() + step_ns));
    }
    return true;
}

}  // namespace

int top(Context& context) {
    if (context.arguments().front() == "top" && context.argument_count() != 0)
        return context.usage();
    bool const is_live = context.is_output_console() && context.is_foreground();
    auto before = take_sample(context);
    if (!before)
        return context.fail("silo manager", before.error());
    if (is_live)
        context.out.print("\x1b[H\x1b[2J").flush();
    for (;;) {
        auto const next = before->time + period_ns;
        if (is_live ? !wait_on_console(context, next) : !wait_elsewhere(context, next))
            break;
        auto now = take_sample(context);
        if (!now)
            return context.fail("silo manager", now.error());
        if (is_live)
            context.out.print("\x1b[H");
        auto const rows =
            is_live ? std::max<std::size_t>(context.shell().console().size().rows, 8) - 4 : now->silos.size();
        print_table(context, *before, *now, rows);
        if (!is_live)
            return 0;
        context.out.print("q leaves\x1b[J\n").flush();
        if (context.out.has_failed())
            break;
        before = std::move(now);
    }
    return 0;
}

}  // namespace astrata::chevron
