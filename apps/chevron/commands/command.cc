#include "apps/chevron/commands/command.h"

#include "apps/chevron/run/interpreter.h"
#include "apps/chevron/shell.h"

namespace astrata::chevron {

Shell& Context::shell() const {
    return interpreter_.shell();
}

shell::Executor& Context::executor() const {
    return interpreter_.executor();
}

shell::Arena& Context::arena() const {
    return interpreter_.arena();
}

bool Context::is_foreground() const {
    return interpreter_.is_foreground();
}

bool Context::is_stopping() {
    return out.has_failed() || interpreter_.is_interrupted();
}

int Context::fail(std::string_view subject, std::string_view reason) {
    out.flush();  // what was printed before comes before
    err.print(command_.name, ": ", subject, ": ", reason, '\n').flush();
    return shell::status_failure;
}

int Context::fail(std::string_view reason) {
    out.flush();
    err.print(command_.name, ": ", reason, '\n').flush();
    return shell::status_failure;
}

int Context::usage() {
    out.flush();
    err.print("usage: ", command_.name, command_.usage.empty() ? "" : " ", command_.usage, '\n').flush();
    return shell::status_usage;
}

Result<Path> Context::path(std::string_view argument) const {
    auto path = shell().directory();
    TRY(path.go(argument));
    return path;
}

}  // namespace astrata::chevron
