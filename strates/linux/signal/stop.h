// Job-control stops: a process whose tasks all wait until SIGCONT.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// The calling task took a stop signal with the default action: the whole process stops and its parent is told. Nothing
/// happens to an orphaned group, except by SIGSTOP.
void stop_process(Task& task, Signal signal);

/// Waits until the process is continued or ends; then tells the parent.
void wait_while_stopped(Task& task);

}  // namespace astrata::linux_abi
