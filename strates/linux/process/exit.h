// The end of tasks and processes.
#pragma once

#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {

/// Makes every task of the process end soon; the first status wins. Any thread.
void begin_group_exit(Process& process, WaitStatus status);

/// execve: ends the calling process's other tasks and waits until they are gone.
/// errors    erestartnointr (another task does the same, or the process is ending)
[[nodiscard]] LinuxResult<> end_other_tasks(Task& task);

/// What is left of a task when it has ended: its thread.
struct ThreadLeft {
    Usage used;                           ///< by the thread in all, this task and those before
    bool has_default_scheduling = false;  ///< so that another task can have it
};

/// Everything that the calling task has to undo: what it shares, its thread-exit duties, its place in its process, and, for
/// the last one, the process. `task` is gone when this returns.
/// status    of the task; the process ends with its group_status if that is set, else with the last task's
ThreadLeft finish_task(Task& task, WaitStatus status);

/// Lets a vfork parent go on: the child has another memory now, or none.
void release_vfork_parent(Task& task);

/// Removes a zombie for good; its parent has seen it. The caller's reference is the last but those of open /proc files.
void reap(Process& process) REQUIRES(process_table().mutex);

}  // namespace astrata::linux_abi
