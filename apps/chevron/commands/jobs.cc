// jobs, fg, bg.
#include "apps/chevron/commands/command.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {
namespace {

std::string_view describe(JobStatus state) {
    switch (state) {
    case JobStatus::running: return "running";
    case JobStatus::stopped: return "stopped";
    case JobStatus::ended: return "ended";
    }
    return "unknown";
}

int jobs(Context& context) {
    for (std::size_t position = 0;; ++position) {
        auto const job = context.shell().jobs().at(position);
        if (!job)
            return 0;
        context.out.print('[', job->number(), "] ").left(describe(job->state()), 10).print(job->text(), '\n');
    }
}

int complain_about_job(Context& context) {
    auto const named = context.argument(0);
    return named.empty() ? context.fail("no job runs in the background or is stopped")
                         : context.fail(named, "no such job; `jobs' lists them");
}

int fg(Context& context) {
    if (context.argument_count() > 1)
        return context.usage();
    auto const job = context.shell().jobs().find(context.argument(0));
    if (!job)
        return complain_about_job(context);
    context.out.print(job->text(), '\n').flush();
    auto const status = job->continue_in_foreground(context.shell());
    if (job->state() == JobStatus::ended)
        context.shell().jobs().remove(*job);
    else
        context.out.print("\n[", job->number(), "] ", describe(job->state()), "   ", job->text(), '\n');
    return status;
}

int bg(Context& context) {
    if (context.argument_count() > 1)
        return context.usage();
    auto const job = context.shell().jobs().find(context.argument(0));
    if (!job)
        return complain_about_job(context);
    auto const continued = job->continue_in_background();
    if (!continued)
        return context.fail(job->text(),
                            continued.error() == Error::bad_state ? "is not stopped" : name_of(continued.error()));
    context.out.print('[', job->number(), "] ", job->text(), '\n');
    return 0;
}

constexpr Command table[] = {
    {"jobs", "", "list what runs in the background or is stopped", jobs, Completes::nothing, Runs::shell_only},
    {"fg", "[%JOB]", "continue a job in the foreground", fg, Completes::nothing, Runs::shell_only},
    {"bg", "[%JOB]", "continue a stopped job in the background", bg, Completes::nothing, Runs::shell_only},
};

}  // namespace

constinit std::span<Command const> const job_commands = table;

}  // namespace astrata::chevron
