// Following the native system calls of a strate, for `strate trace`.
#pragma once

#include "apps/chevron/commands/command.h"

namespace astrata::chevron {

/// `what`: on (on the console: follow the calls until Ctrl-C), off, or empty (show those recorded so far).
int trace_strate(Context& context, std::string_view name, std::string_view what);

}  // namespace astrata::chevron
