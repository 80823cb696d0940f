// Robust futexes: locks that the end of their owner does not leave locked for ever (get_robust_list(2)).
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Marks the locks on the task's list as left by a dead owner and wakes a waiter of each. The list is the program's own
/// memory: anything can be in it. On the task's thread, while its memory is current.
void leave_robust_list(Task& task);

}  // namespace astrata::linux_abi
