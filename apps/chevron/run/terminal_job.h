// A Linux program that has the console as its terminal.
#pragma once

#include <string_view>

#include "abi/silo_manager.h"
#include "apps/chevron/run/interpreter.h"

namespace astrata::chevron {

/// Runs a program in the foreground with the console as its terminal and waits until it ends or stops. A stopped one
/// becomes a job. The shell does not touch the console meanwhile.
/// returns    its status; 128 + signal; 126 or 127 when
/// it cannot be started (the user has been told)
int run_on_terminal(Interpreter& interpreter, Prepared const& prepared, std::string_view text);

/// Tells why a program did not start; returns the status for it.
int complain_about_start(Interpreter& interpreter, std::string_view program, Error error);

/// The status that `$?` shows for the end of a program.
int status_of(abi::JobState state, std::uint32_t code);

}  // namespace astrata::chevron
