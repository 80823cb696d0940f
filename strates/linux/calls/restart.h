// How restart_syscall goes on with each kind of interrupted wait.
#pragma once

#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

[[nodiscard]] LinuxResult<> resume_sleep(Task& task);
[[nodiscard]] LinuxResult<> resume_futex_wait(Task& task);
/// poll(2) with a timeout.
[[nodiscard]] LinuxResult<std::uint64_t> resume_poll(Task& task);

}  // namespace astrata::linux_abi
