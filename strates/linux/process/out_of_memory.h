// What happens when a program needs a page that its silo may not have.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Kills the process of this silo that holds most memory, oom_score_adj counted in, and says so in the log. When that is another one
/// than the task's own, waits until it has given its memory back, so that the task may try again.
/// context   the task's own thread, no locks held; may block
void kill_largest_process(Task& task);

/// How likely a process is to be chosen, in thousandths of what the silo may have: /proc/PID/oom_score.
[[nodiscard]] std::uint64_t memory_score(ProcessId process);

}  // namespace astrata::linux_abi
