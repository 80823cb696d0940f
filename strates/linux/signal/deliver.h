// What happens to a task between its program's system call or fault and the program's next instruction.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Does what task_work asks for: stops, delivers signals (frames, default actions), decides how an interrupted system
/// call goes on, puts a temporary mask back. False if the task must end now.
[[nodiscard]] bool do_pending_work(Task& task);

/// The program's exception becomes a signal.
void deliver_exception(Task& task);

/// Takes a signal frame back from the program's stack. On a bad one the task gets SIGSEGV.
void return_from_signal(Task& task);

}  // namespace astrata::linux_abi
