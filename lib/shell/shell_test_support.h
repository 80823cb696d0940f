// Runs command lines against a tiny world of made-up commands, for tests and the fuzzer.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/shell/executor.h"
#include "lib/shell/parser.h"
#include "lib/shell/variables.h"

namespace astrata::shell {

/// Commands: true, false, break, continue, exit; everything else "prints" its arguments into `log`, and counts one
/// step.
class TestRunner : public Runner {
public:
    explicit TestRunner(Arena& arena) : arena_(arena) {}

    Result<std::string_view> variable(std::string_view name, Arena& arena) override {
        auto const found = variables.find(name);
        return found ? arena.copy(found->value) : Result<std::string_view>("");
    }
    int status() const override { return status_; }
    Result<> match_paths(std::string_view pattern, FieldList& fields) override {
        if (pattern == "*.txt") {
            TRY(fields.add("b.txt"));
            TRY(fields.add("a.txt"));
        }
        patterns.emplace_back(pattern);
        return {};
    }
    int run_pipeline(Pipeline const& pipeline, Executor& executor) override {
        int status = 0;
        for (auto const* command = pipeline.commands; command != nullptr; command = command->next) {
            if (command != pipeline.commands)
                log += "| ";
            status =
                command->kind == CommandKind::simple ? run_simple(*command, executor) : executor.run_compound(*command);
        }
        return status;
    }
    int run_background(AndOr const& and_or) override {
        log += "background(" + std::string(and_or.source) + ") ";
        return 0;
    }
    Result<> assign(std::string_view name, std::string_view value) override { return variables.set(name, value); }
    void set_status(int status) override { status_ = status; }
    bool is_interrupted() override { return steps >= step_limit; }
    void report(Error error) override { log += "error(" + std::string(name_of(error)) + ") "; }

    std::string log;
    std::vector<std::string> patterns;
    Variables variables;
    int steps = 0;
    int step_limit = 1000;

private:
    int run_simple(Command const& command, Executor& executor) {
        ++steps;
        ArenaScope scope(arena_);
        for (auto const* assignment = command.assignments; assignment != nullptr; assignment = assignment->next) {
            auto const value = expand_single(*assignment->value, *this, arena_);
            if (!value || !assign(assignment->name, *value))
                return status_failure;
        }
        auto const words = expand_words(command.words, *this, arena_);
        if (!words)
            return status_failure;
        for (auto const* redirection = command.redirections; redirection != nullptr; redirection = redirection->next) {
            log += std::to_string(redirection->descriptor);
            log += std::array{"<", ">", ">>", ">&"}[static_cast<std::size_t>(redirection->kind)];
            if (redirection->target == nullptr) {
                log += std::to_string(redirection->source) + " ";
                continue;
            }
            auto const target = expand_single(*redirection->target, *this, arena_);
            log += target ? std::string(*target) + " " : "? ";
        }
        if (words->empty())
            return 0;
        auto const name = words->front();
        if (name == "false")
            return 1;
        if (name == "break" && executor.request_break())
            return 0;
        if (name == "continue" && executor.request_continue())
            return 0;
        if (name == "exit")
            executor.request_exit();
        if (name == "true" || name == "exit")
            return 0;
        for (auto const word : *words)
            log += "[" + std::string(word) + "]";
        log += " ";
        return 0;
    }

    Arena& arena_;
    int status_ = 0;
};

}  // namespace astrata::shell
