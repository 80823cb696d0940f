// Runs the commands of one script in one thread: expands, redirects, and hands on to built-in commands or Linux
// programs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "apps/chevron/commands/command.h"
#include "apps/chevron/io/channel.h"
#include "apps/chevron/memory.h"
#include "apps/chevron/run/script.h"
#include "lib/shell/executor.h"
#include "lib/shell/program.h"

namespace astrata::chevron {

class Shell;

/// A simple or compound command made ready to run.
struct Prepared {
    shell::Command const* command = nullptr;
    std::span<std::string_view const> arguments;  ///< empty: only assignments and redirections
    Streams streams;
    Command const* built_in = nullptr;  ///< null: a Linux program, unless compound
    [[nodiscard]] bool is_compound() const { return command->kind != shell::CommandKind::simple; }
    [[nodiscard]] bool is_linux() const { return !is_compound() && !arguments.empty() && built_in == nullptr; }
};

enum class Ground : std::uint8_t { foreground, background };

class Interpreter final : public shell::Runner {
public:
    static constexpr std::size_t scratch_bytes = std::size_t{512} * 1024;

    /// errors    no_memory
    [[nodiscard]] static Result<std::unique_ptr<Interpreter>> create(Shell& shell, Ref<Script> script, Streams streams,
                                                                     Ref<Cancellation> cancellation, Ground ground);

    /// The whole script.
    int run();
    int run_and_or(shell::AndOr const& and_or) { return executor_.run_and_or(and_or); }

    /// Expands and redirects; on failure the user has been told and the error is the status.
    [[nodiscard]] std::expected<Prepared, int> prepare(shell::Command const& command);
    /// Runs what is not a Linux program, here.
    int run_prepared(Prepared const& prepared);
    /// Arguments and exported variables for a Linux program.
    [[nodiscard]] Result<> fill(shell::ProgramParameters& parameters, Prepared const& prepared);

    [[nodiscard]] Shell& shell() { return shell_; }
    [[nodiscard]] shell::Executor& executor() { return executor_; }
    [[nodiscard]] shell::Arena& arena() { return arena_; }
    [[nodiscard]] Cancellation& cancellation() { return *cancellation_; }
    [[nodiscard]] Ref<Cancellation> const& shared_cancellation() const { return cancellation_; }
    [[nodiscard]] Ref<Script> const& script() const { return script_; }
    [[nodiscard]] Streams const& streams() const { return streams_; }
    [[nodiscard]] bool is_foreground() const { return ground_ == Ground::foreground; }
    /// "SUBJECT: REASON" on standard error.
    void complain(std::string_view subject, std::string_view reason);
    void complain(std::string_view subject, Error error) { complain(subject, name_of(error)); }

    // shell::Runner
    Result<std::string_view> variable(std::string_view name, shell::Arena& arena) override;
    [[nodiscard]] int status() const override { return status_; }
    Result<> match_paths(std::string_view pattern, shell::FieldList& fields) override;
    int run_pipeline(shell::Pipeline const& pipeline, shell::Executor& executor) override;
    int run_background(shell::AndOr const& and_or) override;
    Result<> assign(std::string_view name, std::string_view value) override;
    void set_status(int status) override { status_ = status; }
    bool is_interrupted() override;
    void report(Error error) override;

    Interpreter(Shell& shell, Ref<Script> script, HeapBytes scratch, Streams streams, Ref<Cancellation> cancellation,
                Ground ground)
        : shell_(shell), script_(std::move(script)), scratch_(std::move(scratch)), arena_(scratch_.span()),
          executor_(*this, arena_), streams_(std::move(streams)), cancellation_(std::move(cancellation)),
          ground_(ground) {}

private:
    [[nodiscard]] std::expected<void, int> redirect(shell::Redirection const& redirection, Streams& streams);
    int run_assignments(shell::Command const& command);

    Shell& shell_;
    Ref<Script> script_;
    HeapBytes scratch_;
    shell::Arena arena_;
    shell::Executor executor_;
    Streams streams_;
    Ref<Cancellation> cancellation_;
    Ground ground_;
    int status_ = 0;
};

}  // namespace astrata::chevron
