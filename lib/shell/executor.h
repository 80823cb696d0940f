// The control flow of the command language. Pipelines themselves are run by whoever implements Runner.
#pragma once

#include <cstdint>
#include <string_view>

#include "lib/base/result.h"
#include "lib/shell/arena.h"
#include "lib/shell/expansion.h"
#include "lib/shell/tree.h"

namespace astrata::shell {

inline constexpr int status_failure = 1;
inline constexpr int status_usage = 2;  // wrong use of a command, or wrong syntax
inline constexpr int status_not_executable = 126;
inline constexpr int status_not_found = 127;
inline constexpr int status_signal = 128;  // plus the signal's number
inline constexpr int status_interrupted = status_signal + 2;

class Executor;

class Runner : public ExpansionSource {
public:
    /// Runs a pipeline and waits for it; returns the status of its last command, not yet negated. A pipeline of just
    /// one if, for or while without redirections never comes here.
    virtual int run_pipeline(Pipeline const& pipeline, Executor& executor) = 0;
    /// Starts what ends in `&`; returns the status of starting it.
    virtual int run_background(AndOr const& and_or) = 0;
    /// errors    as Variables::set
    virtual Result<> assign(std::string_view name, std::string_view value) = 0;
    /// What $? is from now on.
    virtual void set_status(int status) = 0;
    /// Asked before every step: whether the user wants everything to stop.
    virtual bool is_interrupted() = 0;
    /// An expansion failed; tells the user.
    virtual void report(Error error) = 0;
};

/// Executes a tree; recursion is as deep as the tree, which the parser bounds.
class Executor {
public:
    /// `scratch` is for values of for loops.
    Executor(Runner& runner, Arena& scratch) : runner_(runner), scratch_(scratch) {}

    /// Returns the status of the last command that ran.
    int run(List const& list);
    /// An if, for or while; its redirections are the caller's business.
    int run_compound(Command const& command);
    int run_and_or(AndOr const& and_or);

    /// For the commands of these names. Outside of a loop, break and continue do nothing; returns whether there was
    /// one.
    bool request_break() { return request(Flow::break_loop); }
    bool request_continue() { return request(Flow::continue_loop); }
    /// Nothing further runs.
    void request_exit() { flow_ = Flow::exit; }
    [[nodiscard]] bool is_exiting() const { return flow_ == Flow::exit; }

private:
    enum class Flow : std::uint8_t { next, break_loop, continue_loop, exit };

    bool request(Flow flow) {
        if (loop_depth_ == 0)
            return false;
        flow_ = flow;
        return true;
    }
    int run_pipeline(Pipeline const& pipeline);
    int run_conditional(Command const& command);
    int run_for(Command const& command);
    int run_while(Command const& command);
    // Whether the loop whose body has just run goes on.
    bool continues_loop();
    [[nodiscard]] bool is_stopping();
    int finish(int status) {
        runner_.set_status(status);
        return status;
    }

    Runner& runner_;
    Arena& scratch_;
    Flow flow_ = Flow::next;
    unsigned loop_depth_ = 0;
};

}  // namespace astrata::shell
