#include "apps/chevron/shell.h"

#include "apps/chevron/run/interpreter.h"

namespace astrata::chevron {
namespace {

constexpr std::string_view prompt = ">>> ";
constexpr std::string_view continuation_prompt = "... ";
constexpr std::size_t text_limit = std::size_t{16} * 1024;  // of one command with all its lines
constexpr std::uint64_t look_interval_ns = 20'000'000;

}  // namespace

Result<std::unique_ptr<Shell>> Shell::create(Environment& environment) {
    auto const machine = TRY(sys::machine_info(environment.root_silo.get()));
    auto const command_line = machine.command_line.view();
    auto const cells = terminal_cells(command_line);
    auto* const hub = TRY(StreamHub::create());
    Console::Size const size = {.columns = cells.columns == 0 ? 80 : cells.columns,
                                .rows = cells.rows == 0 ? 24 : cells.rows};
    auto scheme = TRY(String::from(astrata::root_scheme(command_line)));
    auto scheme_for_programs = TRY(scheme.clone());
    auto variables = TRY(make_owned<shell::Variables>());
    auto made = TRY(make_owned<Shell>(environment, std::move(scheme), std::move(scheme_for_programs), *hub,
                                      std::move(variables), size));
    TRY(made->console_.start());
    made->console_channel_ = TRY(make_ref<ConsoleChannel>(made->console_, made->input_editor_));
    return made;
}

Shell::Shell(Environment& environment, String root_scheme, String root_scheme_of_programs, StreamHub& hub,
             std::unique_ptr<shell::Variables> variables, Console::Size default_size)
    : environment_(environment), root_scheme_(std::move(root_scheme)),
      console_(environment.console, default_size.columns, default_size.rows), completer_(*this),
      editor_(console_, history_, &completer_), input_editor_(console_, input_history_, nullptr), hub_(&hub),
      names_(environment.silo_manager.get()),
      programs_(environment.silo_manager.get(), std::move(root_scheme_of_programs)), variables_(std::move(variables)) {}

Result<Ref<Channel>> Shell::null_channel() const {
    auto made = TRY(make_ref<NullChannel>());
    return Ref<Channel>(std::move(made));
}

Path Shell::directory() {
    Lock lock(mutex_);
    return directory_;
}

void Shell::set_directory(Path const& path) {
    Lock lock(mutex_);
    directory_ = path;
}

bool Shell::check_interrupt(Cancellation& cancellation) {
    if (cancellation.is_requested())
        return true;
    auto const now = sys::clock_now();
    if (now < next_look_)
        return false;
    if (console_.poll() == Console::Control::interrupt) {
        (void)console_.write_text(as_bytes("^C\n"));
        cancellation.request();
    }
    next_look_ = sys::clock_now() + look_interval_ns;
    return cancellation.is_requested();
}

void Shell::mount_root() {
    // A disk is found a moment after the shell has started; without one the wait is over soon enough.
    constexpr std::uint64_t patience_ns = 2'000'000'000;
    constexpr std::uint64_t pause_ns = 10'000'000;
    auto const give_up = sys::clock_now() + patience_ns;
    Result<> mounted = ok();
    for (;;) {
        Path root;
        mounted = names_.mount(root_scheme_, root);
        if (mounted)
            return;
        if (mounted.error() != Error::not_found || sys::clock_now() > give_up)
            break;
        (void)sys::thread_sleep(sys::clock_now() + pause_ns);
    }
    TextBuffer<160> note;
    note.append("chevron: no root file system: ")
        .append(root_scheme_.view())
        .append(": ")
        .append(mounted.error())
        .append('\n');
    (void)console_.write_text(as_bytes(note.view()));
}

void Shell::set_defaults() {
    with_variables([](shell::Variables& variables) {
        // A fresh table has room for these.
        constexpr std::array<std::pair<std::string_view, std::string_view>, 3> defaults = {
            {{"PATH", shell::default_search_path}, {"HOME", "/"}, {"TERM", "vt100"}}};
        for (auto const& [name, value] : defaults) {
            (void)variables.set(name, value);
            (void)variables.set_exported(name);
        }
    });
}

void Shell::run() {
    set_defaults();
    mount_root();
    (void)console_.write_text(as_bytes("Astrata. `help' lists the commands.\n"));
    String text;
    while (!is_exiting_ && read_command(text)) {
        if (!text.is_empty())
            status_ = run_text(text);
    }
}

bool Shell::read_command(String& text) {
    text.clear();
    jobs_.collect([&](Job& job) {
        TextBuffer<96> note;
        note.append('[').append(job.number()).append("] ended, status ").append(job.exit_status()).append("   ");
        (void)console_.write_text(as_bytes(note.view()));
        (void)console_.write_text(as_bytes(job.text()));
        (void)console_.write_text(as_bytes("\n"));
    });
    for (;;) {
        auto const line = console_.read_line(text.is_empty() ? prompt : continuation_prompt, editor_);
        if (line.kind == Console::Input::interrupted) {
            status_ = shell::status_interrupted;
            text.clear();
            return true;
        }
        if (line.kind == Console::Input::end) {
            // What is unfinished will stay so: let it be reported.
            return !text.is_empty();
        }
        history_.add(line.text);
        if (!text.append(line.text) || !text.append('\n') || text.size() > text_limit) {
            (void)console_.write_text(as_bytes("chevron: the command is too long\n"));
            status_ = shell::status_usage;
            text.clear();
            return true;
        }
        shell::SyntaxError error;
        auto const script = Script::parse(text, error);
        if (script || script.error() != Error::invalid_argument || !error.needs_more || console_.is_at_end())
            return true;
    }
}

int Shell::report_syntax_error(shell::SyntaxError const& error, std::string_view text) {
    // Lines and columns count from 1.
    auto const before = text.substr(0, error.position);
    auto const line_start = before.rfind('\n') + 1;
    TextBuffer<256> note;
    note.append("chevron: ");
    if (before.contains('\n'))
        note.append("line ").append(std::ranges::count(before, '\n') + 1).append(", ");
    note.append("column ").append(before.size() - line_start + 1).append(": ").append(error.message);
    if (!error.near.empty())
        note.append(" `").append(error.near.substr(0, 64)).append('\'');
    note.append('\n');
    (void)console_.write_text(as_bytes(note.view()));
    return shell::status_usage;
}

int Shell::run_text(std::string_view text) {
    shell::SyntaxError error;
    auto script = Script::parse(text, error);
    if (!script && script.error() == Error::invalid_argument)
        return report_syntax_error(error, text);
    auto const run = [&]() -> Result<int> {
        if (!script)
            return fail(script.error());
        auto cancellation = TRY(make_ref<Cancellation>());
        auto const console = Ref<Channel>(console_channel());
        Streams streams = {.input = console, .output = console, .error = console};
        auto const interpreter = TRY(Interpreter::create(*this, std::move(*script), std::move(streams),
                                                         std::move(cancellation), Ground::foreground));
        interpreter->set_status(status_);
        return interpreter->run();
    };
    auto const status = run();
    console_channel_->reset();
    if (status)
        return *status;
    TextBuffer<96> note;
    note.append("chevron: ").append(status.error()).append('\n');
    (void)console_.write_text(as_bytes(note.view()));
    return shell::status_failure;
}

}  // namespace astrata::chevron
