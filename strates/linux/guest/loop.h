// A Linux thread's life on its Bedrock thread: in and out of restricted mode until the task ends.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Starts the thread of a task that has all it needs and is in the tables. The thread takes over one reference.
/// errors    enomem, eagain (thread limit)
[[nodiscard]] LinuxResult<> start_thread(Task& task);

/// While it runs in a new task's thread, before its first instruction: work to do there instead of entering the program at
/// once. Used for a job's first process, whose program is loaded by its own thread.
using FirstWork = void (*)(Task& task, void* argument);
[[nodiscard]] LinuxResult<> start_thread(Task& task, FirstWork work, void* argument);

}  // namespace astrata::linux_abi
