#include "apps/chevron/run/terminal_job.h"

#include "apps/chevron/lock.h"
#include "apps/chevron/run/jobs.h"
#include "apps/chevron/run/linux_programs.h"
#include "apps/chevron/shell.h"
#include "sdk/thread.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t parameter_bytes = std::size_t{256} * 1024;

// Once in the background, a thread follows what becomes of the program.
class TerminalJob final : public Job {
public:
    TerminalJob(String text, LinuxJob job) : Job(std::move(text)), job_(std::move(job)) {}

    JobStatus state() override {
        Lock lock(mutex_);
        return state_;
    }
    int exit_status() override {
        Lock lock(mutex_);
        return status_;
    }

    int continue_in_foreground(Shell& shell) override;

    Result<> continue_in_background() override {
        {
            Lock lock(mutex_);
            if (state_ != JobStatus::stopped)
                return fail(Error::bad_state);
            state_ = JobStatus::running;
        }
        auto const resumed = job_.resume(false);
        if (resumed)
            if (auto const followed = follow(); followed)
                return {};
        Lock lock(mutex_);
        state_ = JobStatus::stopped;
        return resumed;
    }

    Result<> signal(std::uint32_t number) override { return job_.signal(number); }

    // Takes over what the personality reported.
    void update(Result<abi::PersonalityClient::WaitReply> const& reply) {
        Lock lock(mutex_);
        if (!reply) {
            // The silo is gone, and the program with it.
            state_ = JobStatus::ended;
            status_ = shell::status_failure;
        } else {
            state_ = reply->state == abi::JobState::stopped ? JobStatus::stopped : JobStatus::ended;
            status_ = status_of(reply->state, reply->code);
        }
        changed_.notify_all();
    }

private:
    // A thread that waits for the next change; there is never more than one.
    Result<> follow() {
        add_reference();
        auto const spawned = sdk::Thread::spawn(
            [](void* argument) {
                auto const self = Ref<TerminalJob>::adopt(*static_cast<TerminalJob*>(argument));
                self->update(self->job_.wait());
            },
            this, "job");
        if (!spawned) {
            drop_reference();
            return fail(spawned.error());
        }
        return {};
    }

    LinuxJob job_;
    Mutex mutex_;
    Condition changed_;
    JobStatus state_ GUARDED_BY(mutex_) = JobStatus::stopped;
    int status_ GUARDED_BY(mutex_) = shell::status_signal + static_cast<int>(signal_stop);
};

int TerminalJob::continue_in_foreground(Shell& shell) {
    bool is_followed = false;
    {
        Lock lock(mutex_);
        is_followed = state_ == JobStatus::running;
        if (state_ == JobStatus::ended)
            return status_;
        state_ = JobStatus::running;
    }
    auto const lent = shell.console().lend();
    auto const resumed = lent ? job_.resume(true) : fail(lent.error());
    if (resumed && !is_followed)
        update(job_.wait());
    int status = shell::status_failure;
    {
        Lock lock(mutex_);
        while (resumed && state_ == JobStatus::running)
            changed_.wait(mutex_);
        if (resumed)
            status = status_;
        else if (!is_followed)
            state_ = JobStatus::stopped;
    }
    shell.console().take_back();
    // What an interrupted program leaves is an unfinished row.
    if (resumed && status > shell::status_signal && state() == JobStatus::ended)
        (void)shell.console().write_text(as_bytes("\n"));
    return status;
}

}  // namespace

int status_of(abi::JobState state, std::uint32_t code) {
    switch (state) {
    case abi::JobState::exited: return static_cast<int>(code);
    case abi::JobState::signalled:
    case abi::JobState::stopped: return shell::status_signal + static_cast<int>(code);
    case abi::JobState::running: break;
    }
    return shell::status_failure;
}

int complain_about_start(Interpreter& interpreter, std::string_view program, Error error) {
    switch (error) {
    case Error::not_found:
    case Error::not_a_directory:
        interpreter.complain(program, program.contains('/') ? "no such program" : "no such command");
        return shell::status_not_found;
    case Error::bad_executable:
    case Error::access_denied:
    case Error::is_a_directory: interpreter.complain(program, error); return shell::status_not_executable;
    default: interpreter.complain(program, error); return shell::status_failure;
    }
}

int run_on_terminal(Interpreter& interpreter, Prepared const& prepared, std::string_view text) {
    auto& shell = interpreter.shell();
    auto& console = shell.console();
    auto const name = prepared.arguments.front();
    auto const start = [&]() -> Result<LinuxJob> {
        auto const storage = TRY(HeapBytes::create(parameter_bytes));
        shell::ProgramParameters parameters(storage.span());
        TRY(interpreter.fill(parameters, prepared));
        auto const endpoint = TRY(console.lend());
        auto const size = console.size();
        return shell.programs().start(parameters, {.input = endpoint.get(),
                                                   .output = endpoint.get(),
                                                   .error = endpoint.get(),
                                                   .are_terminal = true,
                                                   .columns = size.columns,
                                                   .rows = size.rows});
    };
    auto job = start();
    auto const reply = job ? job->wait() : fail(job.error());
    console.take_back();
    if (!job)
        return complain_about_start(interpreter, name, job.error());
    if (!reply) {
        interpreter.complain(name, reply.error() == Error::peer_closed ? "its silo ended" : name_of(reply.error()));
        return shell::status_failure;
    }
    auto const status = status_of(reply->state, reply->code);
    if (reply->state == abi::JobState::signalled) {
        // What an interrupted program leaves is an unfinished row; the rest of the line is given up with it.
        (void)console.write_text(as_bytes("\n"));
        if (reply->code == signal_interrupt)
            interpreter.cancellation().request();
        else
            interpreter.complain(name, "killed by a signal");
    }
    if (reply->state == abi::JobState::stopped) {
        auto kept = String::from(text);
        auto stopped = kept ? make_ref<TerminalJob>(std::move(*kept), *job) : fail(Error::no_memory);
        auto const added = stopped ? shell.jobs().add(*stopped) : fail(Error::no_memory);
        if (!added) {
            interpreter.complain(name, added.error());
            (void)job->signal(signal_kill);
            return status;
        }
        TextBuffer<64> note;
        note.append("\n[").append((*stopped)->number()).append("] stopped   ");
        (void)console.write_text(as_bytes(note.view()));
        (void)console.write_text(as_bytes(text));
        (void)console.write_text(as_bytes("\n"));
    }
    return status;
}

}  // namespace astrata::chevron
