#include "apps/chevron/run/pipeline.h"

#include "apps/chevron/run/terminal_job.h"
#include "apps/chevron/shell.h"
#include "sdk/thread.h"

namespace astrata::chevron {
namespace {

constexpr std::size_t parameter_bytes = std::size_t{256} * 1024;
constexpr std::uint64_t look_interval_ns = 50'000'000;  // between looks at the console and the cancellation

}  // namespace

Result<Ref<Pipeline>> Pipeline::start(Interpreter& interpreter, shell::Pipeline const& tree) {
    if (tree.length > length_limit)
        return fail(Error::no_resources);
    sdk::UniqueHandle changed(TRY(sys::notification_create()));
    auto pipeline = TRY(make_ref<Pipeline>(interpreter.shell(), interpreter.shared_cancellation(), std::move(changed)));
    TRY(pipeline->text_.assign(tree.source));
    auto input = interpreter.streams().input;
    // The console is read line by line for whoever asks, so that its keys still reach the shell.
    if (input->is_console()) {
        if (interpreter.is_foreground()) {
            auto ends = TRY(Pipe::create());
            pipeline->typed_ = ends.pipe;
            pipeline->typed_writer_ = ends.writer;
            input = ends.reader;
        } else {
            input = TRY(interpreter.shell().null_channel());
        }
    }
    for (auto const* command = tree.commands; command != nullptr; command = command->next) {
        Streams streams = {
            .input = input, .output = interpreter.streams().output, .error = interpreter.streams().error};
        if (command->next != nullptr) {
            auto ends = TRY(Pipe::create());
            TRY(pipeline->pipes_.push_back(ends.pipe));
            streams.output = ends.writer;
            input = ends.reader;
        }
        TRY(pipeline->add(interpreter, *command, std::move(streams)));
    }
    for (auto const& element : pipeline->elements_) {
        if (element->state == State::ended)
            continue;
        if (auto const run = pipeline->run(*element); !run) {
            interpreter.complain(tree.source, run.error());
            pipeline->finish(*element, shell::status_failure);
        }
    }
    return pipeline;
}

Result<> Pipeline::add(Interpreter& parent, shell::Command const& command, Streams streams) {
    auto element = TRY(make_owned<Element>());
    element->owner = this;
    element->interpreter =
        TRY(Interpreter::create(shell_, parent.script(), std::move(streams), cancellation_, Ground::background));
    element->interpreter->set_status(parent.status());
    auto prepared = element->interpreter->prepare(command);
    if (!prepared) {
        element->state = State::ended;
        element->status = prepared.error();
        element->interpreter.reset();
    } else if (prepared->built_in != nullptr && prepared->built_in->runs == Runs::shell_only) {
        parent.complain(prepared->arguments.front(), "changes the shell, so it cannot be part of a pipeline");
        element->state = State::ended;
        element->status = shell::status_usage;
        element->interpreter.reset();
    } else {
        element->prepared.emplace(std::move(*prepared));
    }
    return elements_.push_back(std::move(element));
}

Result<> Pipeline::run(Element& element) {
    if (element.prepared->is_linux()) {
        auto const started = start_program(element);
        if (!started) {
            finish(element,
                   complain_about_start(*element.interpreter, element.prepared->arguments.front(), started.error()));
            return {};
        }
    }
    // The thread's reference to this pipeline.
    add_reference();
    auto const spawned = sdk::Thread::spawn(&run_element, &element, "pipeline");
    if (!spawned) {
        drop_reference();
        if (element.job)
            (void)element.job->signal(signal_kill);
        return fail(spawned.error());
    }
    return {};
}

Result<> Pipeline::start_program(Element& element) {
    auto const storage = TRY(HeapBytes::create(parameter_bytes));
    shell::ProgramParameters parameters(storage.span());
    TRY(element.interpreter->fill(parameters, *element.prepared));
    auto const& streams = element.prepared->streams;
    auto& hub = shell_.hub();
    element.attachments[0] = TRY(hub.attach(streams.input));
    element.attachments[1] = TRY(hub.attach(streams.output));
    element.attachments[2] = TRY(hub.attach(streams.error));
    element.job = TRY(shell_.programs().start(parameters, {.input = element.attachments[0]->endpoint(),
                                                           .output = element.attachments[1]->endpoint(),
                                                           .error = element.attachments[2]->endpoint()}));
    return {};
}

void Pipeline::run_element(void* argument) {
    auto& element = *static_cast<Element*>(argument);
    auto const owner = Ref<Pipeline>::adopt(*element.owner);
    if (element.job)
        owner->follow_program(element);
    else
        owner->run_built_in(element);
}

void Pipeline::run_built_in(Element& element) {
    auto const status = element.interpreter->run_prepared(*element.prepared);
    finish(element, status);
}

void Pipeline::follow_program(Element& element) {
    for (;;) {
        auto const reply = element.job->wait();
        if (!reply) {
            element.interpreter->complain(element.prepared->arguments.front(), reply.error());
            return finish(element, shell::status_failure);
        }
        if (reply->state != abi::JobState::stopped)
            return finish(element, status_of(reply->state, reply->code));
        Lock lock(mutex_);
        element.state = State::stopped;
        (void)sys::notification_signal(changed_.get(), 1);
        while (element.state == State::stopped)
            resumed_.wait(mutex_);
    }
}

// Lets go of everything that the element held, so that its neighbours see the ends of their pipes.
void Pipeline::finish(Element& element, int status) {
    for (auto& attachment : element.attachments)
        attachment.reset();
    element.prepared.reset();
    element.interpreter.reset();
    Lock lock(mutex_);
    element.state = State::ended;
    element.status = status;
    (void)sys::notification_signal(changed_.get(), 1);
}

Pipeline::State Pipeline::state() {
    Lock lock(mutex_);
    bool is_stopped = false;
    bool is_running = false;
    for (auto const& element : elements_) {
        is_stopped |= element->state == State::stopped;
        is_running |= element->state == State::running;
    }
    // Built-in commands beside a stopped program wait for it by themselves.
    if (is_stopped)
        return State::stopped;
    return is_running ? State::running : State::ended;
}

int Pipeline::status() {
    Lock lock(mutex_);
    return elements_.is_empty() ? 0 : elements_.back()->status;
}

void Pipeline::wait(MonotonicNs deadline) {
    if (state() != State::ended)
        (void)sys::object_wait(changed_.get(), deadline);
}

Pipeline::State Pipeline::wait_in_foreground() {
    for (;;) {
        auto const now = state();
        if (now != State::running)
            return now;
        feed_input();
        wait(sys::clock_now() + look_interval_ns);
        if (state() != State::running)
            continue;
        switch (shell_.console().poll()) {
        case Console::Control::interrupt:
            (void)shell_.console().write_text(as_bytes("^C\n"));
            end(signal_interrupt);
            break;
        case Console::Control::suspend:
            (void)shell_.console().write_text(as_bytes("^Z\n"));
            send(signal_stop);
            break;
        case Console::Control::none: break;
        }
    }
}

void Pipeline::wait_in_background() {
    bool is_signalled = false;
    while (state() != State::ended) {
        if (cancellation_->is_requested() && !is_signalled) {
            is_signalled = true;
            end(cancellation_->signal());
        }
        if (cancellation_->has_posted()) {
            cancellation_->set_stopped(false);
            signal(cancellation_->take_posted());
        }
        cancellation_->set_stopped(state() == State::stopped);
        wait(sys::clock_now() + look_interval_ns);
    }
    cancellation_->set_stopped(false);
}

void Pipeline::feed_input() {
    while (typed_ && typed_writer_ && typed_->is_wanted() && state() == State::running) {
        auto const line = shell_.console().read_line("", shell_.input_editor());
        switch (line.kind) {
        case Console::Input::interrupted: return end(signal_interrupt);
        case Console::Input::end: typed_writer_ = nullptr; return;
        case Console::Input::line:
            // A reader that has gone meanwhile is no error.
            (void)typed_writer_->write(as_bytes(line.text));
            (void)typed_writer_->write(as_bytes("\n"));
            break;
        }
    }
}

void Pipeline::signal(std::uint32_t number) {
    if (number == signal_continue)
        return resume();
    if (ends(number))
        return end(number);
    send(number);
}

void Pipeline::end(std::uint32_t number) {
    cancellation_->request(number);
    if (typed_)
        typed_->close_reader();
    for (auto const& pipe : pipes_)
        pipe->close_reader();
    send(number);
    resume();
}

void Pipeline::send(std::uint32_t number) {
    for (auto const& element : elements_) {
        Lock lock(mutex_);
        if (element->job && element->state != State::ended)
            (void)element->job->signal(number);
    }
}

void Pipeline::resume() {
    Lock lock(mutex_);
    for (auto const& element : elements_) {
        if (element->state != State::stopped)
            continue;
        (void)element->job->resume(true);
        element->state = State::running;
    }
    resumed_.notify_all();
}

}  // namespace astrata::chevron
