// One command for the host: request, program, outcome, power off.
#include <charconv>
#include <memory>
#include <new>
#include <optional>

#include "abi/device.h"
#include "abi/silo_manager.h"
#include "abi/stream.h"
#include "lib/boot_options/boot_options.h"
#include "lib/containers/text_builder.h"
#include "lib/shell/executor.h"
#include "sdk/heap.h"
#include "sdk/log.h"
#include "sdk/thread.h"
#include "session/environment.h"
#include "strates/session/control_protocol.h"
#include "strates/session/program_input.h"

namespace astrata::session {
namespace {

constexpr std::size_t parameter_bytes = std::size_t{2} << 20;
constexpr std::uint64_t stopped_pause_ns = 50'000'000;
constexpr std::uint64_t port_patience_ns = 3'000'000'000;
constexpr std::uint64_t port_pause_ns = 1'000'000;
constexpr std::string_view port_prefix = "org.astrata.";
constexpr std::string_view silo_name = "run";

// The device announces its ports one by one after the driver has started, so a name may be known a little later.
Result<sdk::UniqueHandle> open_port(sdk::Need const& ports, std::string_view name) {
    abi::StreamDirectoryClient const directory(ports.endpoint.get());
    TextBuffer<64> full;
    full.append(port_prefix).append(name);
    auto const give_up = sys::clock_now() + port_patience_ns;
    for (;;) {
        auto port = directory.open(full.view());
        if (port || port.error() != Error::not_found || sys::clock_now() > give_up)
            return port;
        (void)sys::thread_sleep(sys::clock_now() + port_pause_ns);
    }
}

Result<sdk::UniqueHandle> copy_of(abi::Handle endpoint) {
    auto const rights = abi::Rights::send | abi::Rights::transfer | abi::Rights::duplicate;
    return sdk::UniqueHandle(TRY(sys::handle_duplicate(endpoint, rights, 0)));
}

class Session {
public:
    explicit Session(Environment& environment) : environment_(environment) {}

    Result<> run();

private:
    struct Buffer {
        std::unique_ptr<std::byte[]> storage;
        std::size_t size = 0;
        [[nodiscard]] static Result<Buffer> create(std::size_t size) {
            Buffer made = {.storage = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[size]), .size = size};
            if (made.storage == nullptr)
                return fail(Error::no_memory);
            return made;
        }
        [[nodiscard]] MutableBytes span() const {
            // Pointer and length were allocated together.
#pragma clang unsafe_buffer_usage begin
            return {storage.get(), size};
#pragma clang unsafe_buffer_usage end
        }
    };

    void say(std::string_view line);
    void say_error(std::string_view what, Error error);
    Result<std::optional<ControlEvent>> next_event();
    Result<> wait_for_start();
    Result<> start_program(bool& is_running);
    Result<std::uint64_t> try_start(std::string_view program);
    void report_failed_start(Error error);
    void report_end(abi::PersonalityClient::WaitReply const& end);
    static void follow_control(void* session);
    void handle(ControlEvent const& event);

    Environment& environment_;
    sdk::UniqueHandle control_;
    sdk::UniqueHandle output_;
    sdk::UniqueHandle error_;
    sdk::UniqueHandle personality_;
    Buffer line_storage_;
    Buffer parameter_storage_;
    std::optional<shell::ProgramParameters> parameters_;
    std::optional<ControlProtocol> protocol_;
    ProgramInput* input_ = nullptr;
    std::uint64_t job_ = 0;
    std::optional<std::uint64_t> input_total_;  // heard before the program started
    abi::BoundedBytes<4000> received_;
    std::size_t received_used_ = 0;
};

// A whole line at once, so that lines of several threads never mix.
void Session::say(std::string_view line) {
    // A host that has gone away needs no answer.
    (void)abi::StreamClient(control_.get()).write(as_bytes(line));
}

void Session::say_error(std::string_view what, Error error) {
    TextBuffer<512> line;
    line.append("error ");
    auto const put = [&](char character) { line.append(character); };
    encode_word(what, put);
    encode_word(": ", put);
    encode_word(name_of(error), put);
    line.append('\n');
    say(line.view());
}

// The next event of the host; none when the port has ended.
Result<std::optional<ControlEvent>> Session::next_event() {
    for (;;) {
        auto const rest = received_.view().subspan(received_used_);
        if (rest.empty()) {
            received_ = TRY(abi::StreamClient(control_.get()).read(4000));
            received_used_ = 0;
            if (received_.is_empty())
                return std::nullopt;
            continue;
        }
        auto const progress = protocol_->feed(rest);
        received_used_ += progress.consumed;
        if (!progress.problem.empty()) {
            sdk::log("control: ", progress.problem);
            // Before the start it means that the command cannot be run as it was meant.
            if (!protocol_->is_started()) {
                say_error(progress.problem, Error::bad_message);
                return fail(Error::bad_message);
            }
        }
        if (progress.event)
            return progress.event;
    }
}

Result<> Session::wait_for_start() {
    for (;;) {
        auto const event = TRY(next_event());
        if (!event)
            return fail(Error::peer_closed);
        switch (event->kind) {
        case ControlEvent::Kind::start: return {};
        case ControlEvent::Kind::input_closed: input_total_ = event->number; break;
        case ControlEvent::Kind::resize:
        case ControlEvent::Kind::signal: break;
        }
    }
}

Result<std::uint64_t> Session::try_start(std::string_view program) {
    auto const length = TRY(parameters_->serialize(program, [](Bytes) -> Result<> { return {}; }));
    sdk::UniqueHandle block(TRY(sys::memory_object_create(length)));
    std::uint64_t offset = 0;
    TRY(parameters_->serialize(program, [&](Bytes piece) -> Result<> {
        auto const written = sys::memory_object_write(block.get(), offset, piece);
        offset += piece.size();
        return written ? Result<>() : fail(written.error());
    }));
    auto const terminal = protocol_->terminal();
    auto const size = terminal.value_or(TerminalSize{});
    auto input = TRY(copy_of(input_->endpoint()));
    auto output = TRY(copy_of(terminal ? input_->endpoint() : output_.get()));
    auto error = TRY(copy_of(terminal ? input_->endpoint() : error_.get()));
    return abi::PersonalityClient(personality_.get())
        .start(std::move(block), static_cast<std::uint32_t>(length), terminal ? 1 : 0, size.columns, size.rows,
               std::move(input), std::move(output), std::move(error));
}

// `is_running` stays false when the program itself is at fault; that is an outcome, not an error of ours.
Result<> Session::start_program(bool& is_running) {
    auto const name = parameters_->program();
    auto job = try_start(name);
    if (!job && job.error() == Error::not_found && !name.contains('/')) {
        // A personality that takes names as they are: look along the path for it.
        shell::ProgramSearch search(name, parameters_->environment("PATH").value_or(shell::default_search_path));
        auto candidate = search.next();
        for (; candidate && !job; candidate = search.next()) {
            job = try_start(*candidate);
            if (!job && job.error() != Error::not_found && job.error() != Error::not_a_directory)
                break;
        }
        if (!job && job.error() == Error::not_a_directory)
            job = fail(Error::not_found);
    }
    if (job) {
        job_ = *job;
        is_running = true;
        return {};
    }
    switch (job.error()) {
    case Error::not_found:
    case Error::not_a_directory:
    case Error::bad_executable:
    case Error::access_denied:
    case Error::is_a_directory: report_failed_start(job.error()); return {};
    default: return fail(job.error());
    }
}

void Session::report_failed_start(Error error) {
    bool const is_missing = error == Error::not_found || error == Error::not_a_directory;
    TextBuffer<512> message;
    message.append(parameters_->program().substr(0, 400)).append(": ");
    if (is_missing)
        message.append("not found");
    else if (error == Error::access_denied)
        message.append("permission denied");
    else
        message.append(error);
    bool const has_terminal = protocol_->terminal().has_value();
    message.append(has_terminal ? "\r\n" : "\n");
    (void)abi::StreamClient(has_terminal ? output_.get() : error_.get()).write(as_bytes(message.view()));
    TextBuffer<64> line;
    line.append("exit ").append(is_missing ? shell::status_not_found : shell::status_not_executable);
    line.append(' ')
        .append(has_terminal ? message.size() : 0)
        .append(' ')
        .append(has_terminal ? 0 : message.size())
        .append('\n');
    say(line.view());
}

void Session::report_end(abi::PersonalityClient::WaitReply const& end) {
    bool const has_terminal = protocol_->terminal().has_value();
    auto const output_bytes = has_terminal ? input_->written() : end.output_bytes;
    auto const error_bytes = has_terminal ? 0 : end.error_bytes;
    TextBuffer<96> line;
    line.append(end.state == abi::JobState::signalled ? "signal " : "exit ").append(end.code);
    line.append(' ').append(output_bytes).append(' ').append(error_bytes).append('\n');
    say(line.view());
}

void Session::handle(ControlEvent const& event) {
    abi::PersonalityClient const personality(personality_.get());
    switch (event.kind) {
    case ControlEvent::Kind::start: break;
    case ControlEvent::Kind::input_closed: input_->close_after(event.number); break;
    case ControlEvent::Kind::resize:
        input_->resize({.columns = event.columns, .rows = event.rows});
        // The program may have ended meanwhile.
        (void)personality.resize(job_, event.columns, event.rows);
        break;
    case ControlEvent::Kind::signal: (void)personality.signal(job_, static_cast<std::uint32_t>(event.number)); break;
    }
}

void Session::follow_control(void* session) {
    auto& self = *static_cast<Session*>(session);
    for (;;) {
        auto const event = self.next_event();
        if (!event || !*event)
            return;
        self.handle(**event);
    }
}

Result<> Session::run() {
    control_ = TRY(open_port(environment_.ports, "control"));
    line_storage_ = TRY(Buffer::create(control_line_limit));
    parameter_storage_ = TRY(Buffer::create(parameter_bytes));
    parameters_.emplace(parameter_storage_.span());
    protocol_.emplace(line_storage_.span(), *parameters_);
    say("ready\n");
    auto input_port = TRY(open_port(environment_.ports, "stdin"));
    output_ = TRY(open_port(environment_.ports, "stdout"));
    error_ = TRY(open_port(environment_.ports, "stderr"));
    TRY(wait_for_start());

    auto const machine = TRY(sys::machine_info(environment_.root_silo.get()));
    auto const command_line = machine.command_line.view();
    std::uint64_t memory_limit = 0;
    if (auto const text = boot_option(command_line, "silo_memory"); text)
        std::from_chars(text->begin(), text->end(), memory_limit);
    auto const terminal = protocol_->terminal();
    input_ = TRY(
        ProgramInput::create(std::move(input_port), terminal ? output_.get() : 0, terminal.value_or(TerminalSize{})));
    if (input_total_)
        input_->close_after(*input_total_);

    abi::SiloManagerClient const manager(environment_.silo_manager.get());
    auto personality = manager.create_linux_silo(silo_name, root_scheme(command_line), memory_limit, 0);
    if (!personality) {
        say_error("cannot make a Linux silo", personality.error());
        return fail(personality.error());
    }
    personality_ = std::move(*personality);
    bool is_running = false;
    if (auto const started = start_program(is_running); !started) {
        say_error(started.error() == Error::peer_closed ? "the Linux silo ended before the program could start"
                                                        : "cannot start the program",
                  started.error());
        return fail(started.error());
    }
    if (!is_running)
        return {};
    TRY(sdk::Thread::spawn(&follow_control, this, "control"));
    for (;;) {
        auto const end = abi::PersonalityClient(personality_.get()).wait(job_);
        if (!end) {
            say_error("the Linux silo ended", end.error());
            return fail(end.error());
        }
        // A program that stopped is continued by the host, with a signal; until then there is nothing to wait on.
        if (end->state == abi::JobState::stopped || end->state == abi::JobState::running) {
            (void)sys::thread_sleep(sys::clock_now() + stopped_pause_ns);
            continue;
        }
        report_end(*end);
        return {};
    }
}

}  // namespace
}  // namespace astrata::session

namespace astrata {

Result<> strate_main(session::Environment& environment) {
    // On the heap: other threads refer to it until the process ends.
    auto session = TRY(sdk::make<session::Session>(environment));
    auto const done = session->run();
    if (!done)
        sdk::log("session failed: ", done.error());
    if (!environment.power)
        return fail(Error::not_supported);
    return abi::PowerClient(environment.power.endpoint.get()).power_off();
}

}  // namespace astrata
