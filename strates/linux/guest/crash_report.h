// What is left in the strate's log of a program that died of its own fault.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Registers, the code bytes and the mappings around them. On the task's thread, before it lets its memory go.
void report_crash(Task& task, SignalInfo const& info);

}  // namespace astrata::linux_abi
