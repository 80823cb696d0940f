#include "apps/chevron/run/pipeline_job.h"

#include "apps/chevron/shell.h"
#include "sdk/thread.h"

namespace astrata::chevron {
namespace {

constexpr std::uint64_t look_interval_ns = 50'000'000;
constexpr std::uint64_t stop_patience_ns = 500'000'000;

void tell(Shell& shell, Job const& job, std::string_view what) {
    TextBuffer<64> note;
    note.append('[').append(job.number()).append("] ").append(what);
    (void)shell.console().write_text(as_bytes(note.view()));
    (void)shell.console().write_text(as_bytes(job.text()));
    (void)shell.console().write_text(as_bytes("\n"));
}

class PipelineJob final : public Job {
public:
    PipelineJob(String text, Ref<Pipeline> pipeline) : Job(std::move(text)), pipeline_(std::move(pipeline)) {}

    JobStatus state() override {
        switch (pipeline_->state()) {
        case Pipeline::State::running: return JobStatus::running;
        case Pipeline::State::stopped: return JobStatus::stopped;
        case Pipeline::State::ended: break;
        }
        return JobStatus::ended;
    }
    int exit_status() override { return pipeline_->status(); }
    int continue_in_foreground(Shell&) override {
        pipeline_->resume();
        return pipeline_->wait_in_foreground() == Pipeline::State::stopped
                   ? shell::status_signal + static_cast<int>(signal_stop)
                   : pipeline_->status();
    }
    Result<> continue_in_background() override {
        if (pipeline_->state() != Pipeline::State::stopped)
            return fail(Error::bad_state);
        pipeline_->resume();
        return {};
    }
    Result<> signal(std::uint32_t number) override {
        pipeline_->signal(number);
        return {};
    }

private:
    Ref<Pipeline> pipeline_;
};

class BackgroundJob final : public Job {
public:
    BackgroundJob(String text, Ref<Cancellation> cancellation, std::unique_ptr<Interpreter> interpreter,
                  shell::AndOr const& and_or)
        : Job(std::move(text)), cancellation_(std::move(cancellation)), interpreter_(std::move(interpreter)),
          and_or_(and_or) {}

    Result<> start() {
        add_reference();
        auto const spawned = sdk::Thread::spawn(&run, this, "background");
        if (!spawned) {
            drop_reference();
            return fail(spawned.error());
        }
        return {};
    }

    JobStatus state() override {
        Lock lock(mutex_);
        if (has_ended_)
            return JobStatus::ended;
        return cancellation_->is_stopped() ? JobStatus::stopped : JobStatus::running;
    }
    int exit_status() override {
        Lock lock(mutex_);
        return status_;
    }
    int continue_in_foreground(Shell& shell) override {
        (void)continue_in_background();
        for (auto leaves_at = never; state() == JobStatus::running;) {
            (void)sys::thread_sleep(sys::clock_now() + look_interval_ns);
            auto const control = shell.console().poll();
            if (control == Console::Control::interrupt)
                cancellation_->request();
            if (control == Console::Control::suspend) {
                cancellation_->post(signal_stop);
                leaves_at = sys::clock_now() + stop_patience_ns;
            }
            // A built-in command cannot be stopped: it goes on in the background.
            if (sys::clock_now() >= leaves_at)
                return 0;
        }
        return state() == JobStatus::stopped ? shell::status_signal + static_cast<int>(signal_stop) : exit_status();
    }
    Result<> continue_in_background() override {
        if (state() != JobStatus::stopped)
            return fail(Error::bad_state);
        cancellation_->post(signal_continue);
        return {};
    }
    Result<> signal(std::uint32_t number) override {
        if (ends(number))
            cancellation_->request(number);
        else
            cancellation_->post(number);
        return {};
    }

private:
    static void run(void* argument) {
        auto const self = Ref<BackgroundJob>::adopt(*static_cast<BackgroundJob*>(argument));
        auto const status = self->interpreter_->run_and_or(self->and_or_);
        self->interpreter_.reset();
        Lock lock(self->mutex_);
        self->status_ = self->cancellation_->is_requested()
                            ? shell::status_signal + static_cast<int>(self->cancellation_->signal())
                            : status;
        self->has_ended_ = true;
    }

    Ref<Cancellation> cancellation_;
    std::unique_ptr<Interpreter> interpreter_;  // holds the script, in which the tree lies
    shell::AndOr const& and_or_;
    Mutex mutex_;
    bool has_ended_ GUARDED_BY(mutex_) = false;
    int status_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

int wait_or_keep(Shell& shell, Ref<Pipeline> pipeline) {
    if (pipeline->wait_in_foreground() == Pipeline::State::ended)
        return pipeline->status();
    auto text = String::from(pipeline->text());
    auto job = text ? make_ref<PipelineJob>(std::move(*text), pipeline) : fail(Error::no_memory);
    auto const added = job ? shell.jobs().add(*job) : fail(Error::no_memory);
    if (!added) {
        pipeline->signal(signal_kill);
        pipeline->wait_in_background();
        return shell::status_failure;
    }
    tell(shell, **job, "stopped   ");
    return shell::status_signal + static_cast<int>(signal_stop);
}

int start_in_background(Interpreter& parent, shell::AndOr const& and_or) {
    auto& shell = parent.shell();
    auto const make = [&]() -> Result<Ref<BackgroundJob>> {
        auto cancellation = TRY(make_ref<Cancellation>());
        auto input = TRY(shell.null_channel());
        Streams streams = {
            .input = std::move(input), .output = parent.streams().output, .error = parent.streams().error};
        auto interpreter =
            TRY(Interpreter::create(shell, parent.script(), std::move(streams), cancellation, Ground::background));
        auto text = TRY(String::from(and_or.source));
        return make_ref<BackgroundJob>(std::move(text), std::move(cancellation), std::move(interpreter), and_or);
    };
    auto job = make();
    if (!job) {
        parent.report(job.error());
        return shell::status_failure;
    }
    if (auto const added = shell.jobs().add(*job); !added) {
        parent.complain("too many jobs", added.error());
        return shell::status_failure;
    }
    if (auto const started = (*job)->start(); !started) {
        shell.jobs().remove(**job);
        parent.report(started.error());
        return shell::status_failure;
    }
    tell(shell, **job, "");
    return 0;
}

}  // namespace astrata::chevron
