#include "apps/chevron/run/interpreter.h"

#include "apps/chevron/io/file.h"
#include "apps/chevron/run/paths.h"
#include "apps/chevron/run/pipeline_job.h"
#include "apps/chevron/run/terminal_job.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {

Result<std::unique_ptr<Interpreter>> Interpreter::create(Shell& shell, Ref<Script> script, Streams streams,
                                                         Ref<Cancellation> cancellation, Ground ground) {
    auto scratch = TRY(HeapBytes::create(scratch_bytes));
    return make_owned<Interpreter>(shell, std::move(script), std::move(scratch), std::move(streams),
                                   std::move(cancellation), ground);
}

int Interpreter::run() {
    executor_.run(script_->list());
    return cancellation_->is_requested() ? shell::status_interrupted : status_;
}

void Interpreter::complain(std::string_view subject, std::string_view reason) {
    Printer printer(*streams_.error);
    printer.print(subject, ": ", reason, '\n');
}

void Interpreter::report(Error error) {
    complain("chevron", error == Error::no_memory ? "the command line is too long" : name_of(error));
}

bool Interpreter::is_interrupted() {
    if (is_foreground())
        return shell_.check_interrupt(*cancellation_);
    return cancellation_->is_requested();
}

Result<std::string_view> Interpreter::variable(std::string_view name, shell::Arena& arena) {
    if (name == "PWD")
        return arena.copy(shell_.directory().view());
    return shell_.with_variables([&](shell::Variables const& variables) -> Result<std::string_view> {
        auto const found = variables.find(name);
        return found ? arena.copy(found->value) : Result<std::string_view>("");
    });
}

Result<> Interpreter::assign(std::string_view name, std::string_view value) {
    return shell_.with_variables([&](shell::Variables& variables) { return variables.set(name, value); });
}

Result<> Interpreter::match_paths(std::string_view pattern, shell::FieldList& fields) {
    return add_matching_paths(shell_.names(), shell_.directory(), pattern, fields);
}

// ---- Making a command ready ----

std::expected<Prepared, int> Interpreter::prepare(shell::Command const& command) {
    Prepared prepared = {.command = &command, .streams = streams_};
    if (!prepared.is_compound()) {
        auto const arguments = shell::expand_words(command.words, *this, arena_);
        if (!arguments) {
            report(arguments.error());
            return std::unexpected(shell::status_failure);
        }
        prepared.arguments = *arguments;
        if (!arguments->empty())
            prepared.built_in = find_command(arguments->front());
    }
    for (auto const* redirection = command.redirections; redirection != nullptr; redirection = redirection->next) {
        if (auto const redirected = redirect(*redirection, prepared.streams); !redirected)
            return std::unexpected(redirected.error());
    }
    return prepared;
}

std::expected<void, int> Interpreter::redirect(shell::Redirection const& redirection, Streams& streams) {
    auto& stream = redirection.descriptor == 0   ? streams.input
                   : redirection.descriptor == 1 ? streams.output
                                                 : streams.error;
    if (redirection.kind == shell::RedirectionKind::duplicate) {
        stream = redirection.source == 1 ? streams.output : streams.error;
        return {};
    }
    auto const name = shell::expand_single(*redirection.target, *this, arena_);
    if (!name) {
        report(name.error());
        return std::unexpected(shell::status_failure);
    }
    auto const open = [&]() -> Result<Ref<Channel>> {
        if (name->empty())
            return fail(Error::not_found);
        auto path = shell_.directory();
        TRY(path.go(*name));
        if (path.view() == "/dev/null")
            return shell_.null_channel();
        if (redirection.kind == shell::RedirectionKind::input) {
            auto const found = TRY(shell_.names().find(path));
            return open_for_reading(found);
        }
        return open_for_writing(shell_.names(), path,
                                redirection.kind == shell::RedirectionKind::append ? WriteMode::append
                                                                                   : WriteMode::truncate);
    };
    auto opened = open();
    if (!opened) {
        complain(*name, opened.error());
        return std::unexpected(shell::status_failure);
    }
    stream = std::move(*opened);
    return {};
}

Result<> Interpreter::fill(shell::ProgramParameters& parameters, Prepared const& prepared) {
    for (auto const argument : prepared.arguments)
        TRY(parameters.add_argument(argument));
    // The program's root is the root of ours; a folder elsewhere has no place in it.
    auto const directory = shell_.directory();
    auto const place = shell_.names().find(directory);
    bool const is_in_root = place && place->mount->path.view() == "/";
    TRY(parameters.set_directory(is_in_root ? directory.view() : "/"));
    TRY(shell_.with_variables([&](shell::Variables const& variables) -> Result<> {
        for (std::size_t index = 0; index < variables.count(); ++index) {
            auto const variable = variables.at(index);
            bool is_replaced = false;
            for (auto const* own = prepared.command->assignments; own != nullptr; own = own->next)
                is_replaced |= own->name == variable.name;
            if (variable.is_exported && !is_replaced)
                TRY(parameters.add_environment(variable.name, variable.value));
        }
        return {};
    }));
    for (auto const* own = prepared.command->assignments; own != nullptr; own = own->next) {
        auto const value = TRY(shell::expand_single(*own->value, *this, arena_));
        TRY(parameters.add_environment(own->name, value));
    }
    return {};
}

// ---- Running it ----

int Interpreter::run_prepared(Prepared const& prepared) {
    if (prepared.is_compound()) {
        auto const before = std::exchange(streams_, prepared.streams);
        auto const status = executor_.run_compound(*prepared.command);
        streams_ = before;
        return status;
    }
    if (prepared.arguments.empty())
        return run_assignments(*prepared.command);
    Context context(*this, *prepared.built_in, prepared.arguments, prepared.streams);
    auto status = prepared.built_in->run(context);
    context.out.flush();
    if (auto const written = context.out.status(); !written) {
        if (written.error() == Error::peer_closed)
            return shell::status_signal + static_cast<int>(signal_pipe);
        complain(prepared.arguments.front(), written.error());
        return shell::status_failure;
    }
    if (cancellation_->is_requested())
        status = shell::status_interrupted;
    return status;
}

int Interpreter::run_assignments(shell::Command const& command) {
    for (auto const* assignment = command.assignments; assignment != nullptr; assignment = assignment->next) {
        auto const value = shell::expand_single(*assignment->value, *this, arena_);
        auto const assigned = value ? assign(assignment->name, *value) : fail(value.error());
        if (!assigned) {
            complain(assignment->name, assigned.error());
            return shell::status_failure;
        }
    }
    return 0;
}

int Interpreter::run_pipeline(shell::Pipeline const& tree, shell::Executor&) {
    shell::ArenaScope scope(arena_);
    if (tree.length == 1) {
        auto const prepared = prepare(*tree.commands);
        if (!prepared)
            return prepared.error();
        bool const is_on_console = prepared->streams.input->is_console() && prepared->streams.output->is_console() &&
                                   prepared->streams.error->is_console();
        if (prepared->is_linux() && is_foreground() && is_on_console)
            return run_on_terminal(*this, *prepared, tree.source);
        if (!prepared->is_linux()) {
            if (!is_foreground() && prepared->built_in != nullptr && prepared->built_in->runs == Runs::shell_only) {
                complain(prepared->arguments.front(), "changes the shell, so it cannot run in the background");
                return shell::status_usage;
            }
            return run_prepared(*prepared);
        }
    }
    auto pipeline = Pipeline::start(*this, tree);
    if (!pipeline) {
        complain(tree.source, pipeline.error());
        return shell::status_failure;
    }
    if (is_foreground())
        return wait_or_keep(shell_, std::move(*pipeline));
    (*pipeline)->wait_in_background();
    return (*pipeline)->status();
}

int Interpreter::run_background(shell::AndOr const& and_or) {
    if (is_foreground())
        return start_in_background(*this, and_or);
    complain("&", "only the shell itself starts background jobs");
    return shell::status_usage;
}

}  // namespace astrata::chevron
