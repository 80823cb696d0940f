// execve: another program for the calling task's process.
#pragma once

#include <string_view>

#include "strates/linux/core/task.h"
#include "strates/linux/exec/strings.h"
#include "strates/linux/file/file.h"

namespace astrata::linux_abi {

/// How long arguments and environment may be together for this task (a quarter of its stack limit, as Linux).
[[nodiscard]] std::uint64_t argument_limit(Task& task);

/// Replaces the program. `file` was found under `path`. On success the task's registers are the new program's; the caller
/// lets it run. On failure nothing has changed, except that a failure after the old program is gone ends the process.
/// errors    enoexec, enomem, e2big, eacces, enoent (interpreter), elibbad, erestartnointr
[[nodiscard]] LinuxResult<> execute_program(Task& task, Ref<File> file, std::string_view path, ProgramStrings& arguments,
                                            ProgramStrings const& environment);

}  // namespace astrata::linux_abi
