#include "lib/shell/executor.h"

namespace astrata::shell {

bool Executor::is_stopping() {
    return flow_ != Flow::next || runner_.is_interrupted();
}

int Executor::run(List const& list) {
    int status = 0;
    for (auto const* item = list.first; item != nullptr && !is_stopping(); item = item->next)
        status = item->is_background ? finish(runner_.run_background(*item)) : run_and_or(*item);
    return status;
}

int Executor::run_and_or(AndOr const& and_or) {
    int status = 0;
    for (auto const* pipeline = and_or.first; pipeline != nullptr; pipeline = pipeline->next) {
        if (pipeline->connector == Connector::on_success && status != 0)
            continue;
        if (pipeline->connector == Connector::on_failure && status == 0)
            continue;
        if (is_stopping())
            break;
        status = run_pipeline(*pipeline);
    }
    return status;
}

int Executor::run_pipeline(Pipeline const& pipeline) {
    auto const& first = *pipeline.commands;
    bool const is_plain_compound =
        pipeline.length == 1 && first.kind != CommandKind::simple && first.redirections == nullptr;
    auto status = is_plain_compound ? run_compound(first) : runner_.run_pipeline(pipeline, *this);
    if (pipeline.is_negated)
        status = status == 0 ? 1 : 0;
    return finish(status);
}

int Executor::run_compound(Command const& command) {
    switch (command.kind) {
    case CommandKind::conditional: return run_conditional(command);
    case CommandKind::for_loop: return run_for(command);
    case CommandKind::while_loop: return run_while(command);
    case CommandKind::simple: break;
    }
    return status_failure;
}

int Executor::run_conditional(Command const& command) {
    for (auto const* branch = command.branches; branch != nullptr; branch = branch->next) {
        auto const status = run(branch->condition);
        if (is_stopping())
            return status;
        if (status == 0)
            return run(branch->body);
    }
    return run(command.otherwise);
}

int Executor::run_for(Command const& command) {
    ArenaScope scope(scratch_);
    auto const values = expand_words(command.words, runner_, scratch_);
    if (!values) {
        runner_.report(values.error());
        return status_failure;
    }
    int status = 0;
    ++loop_depth_;
    for (auto const value : *values) {
        if (is_stopping())
            break;
        if (auto const assigned = runner_.assign(command.variable, value); !assigned) {
            runner_.report(assigned.error());
            status = status_failure;
            break;
        }
        status = run(command.body);
        if (!continues_loop())
            break;
    }
    --loop_depth_;
    return status;
}

int Executor::run_while(Command const& command) {
    int status = 0;
    ++loop_depth_;
    for (;;) {
        auto const condition = run(command.branches->condition);
        if (!continues_loop() || condition != 0)
            break;
        status = run(command.branches->body);
        if (!continues_loop())
            break;
    }
    --loop_depth_;
    return status;
}

bool Executor::continues_loop() {
    if (runner_.is_interrupted() || flow_ == Flow::exit)
        return false;
    auto const flow = flow_;
    flow_ = Flow::next;
    return flow != Flow::break_loop;
}

}  // namespace astrata::shell
