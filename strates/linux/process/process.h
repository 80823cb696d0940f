// A Linux process: a thread group with its place in the tree, its signals, limits and the status its parent collects.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "lib/base/intrusive_list.h"
#include "lib/base/ref.h"
#include "strates/linux/core/task.h"
#include "strates/linux/process/limits.h"
#include "strates/linux/process/session.h"
#include "strates/linux/process/usage.h"
#include "strates/linux/process/wait_status.h"
#include "strates/linux/signal/actions.h"
#include "strates/linux/signal/pending.h"

namespace astrata::linux_abi {

class Job;            // personality/: a program that somebody outside started
class ProcessTimers;  // time/: itimers and POSIX timers

class Process : public RefCounted<Process> {
public:
    static void destroy(Process* process);
    Process(ProcessId id, Ref<SignalActions> actions, Ref<ProcessGroup> group);
    ~Process();

    ProcessId const id;

    // ---- The tree; guarded by ProcessTable::mutex ----
    Process* parent = nullptr;             ///< null only for the personality's init
    std::atomic<ProcessId> parent_id = 0;  ///< its id, also readable without the lock; set_parent keeps them together
    void set_parent(Process* new_parent) {
        parent = new_parent;
        parent_id.store(new_parent != nullptr ? new_parent->id : 0, std::memory_order_relaxed);
    }
    ListLink<Process> sibling_link;
    IntrusiveList<Process, &Process::sibling_link> children;
    Ref<ProcessGroup> group;
    ListLink<Process> table_link;
    /// Also guarded by signal_mutex: either lock suffices to look, both are needed to change.
    IntrusiveList<Task, &Task::process_link> tasks;
    std::uint32_t task_count = 0;          ///< as above
    std::uint32_t ending_task_count = 0;   ///< of these, in finish_task; guarded by signal_mutex
    bool is_zombie = false;                ///< ended; waits for its parent
    bool has_executed = false;             ///< execve succeeded in it (setpgid then refuses)
    bool is_borrowing_memory = false;      ///< made by vfork, and has not replaced or left its parent's memory yet
    bool is_subreaper = false;             ///< PR_SET_CHILD_SUBREAPER
    Signal exit_signal = Signal::sigchld;  ///< what the parent gets
    WaitStatus exit_status;                ///< valid when is_zombie
    bool has_stop_report = false;          ///< stopped, and the parent has not been told by wait4 yet
    bool has_continue_report = false;
    WaitStatus stop_status;
    WaitQueue child_events;   ///< wait4 of this process's tasks
    Usage children_usage;     ///< of children that were waited for
    Usage ended_tasks_usage;  ///< of tasks that have ended
    RefOrNull<Job> job;       ///< in a job's first process, until it ends

    // ---- Signals; guarded by signal_mutex ----
    Mutex signal_mutex;
    PendingSignals pending;      ///< sent to the process as a whole
    Ref<SignalActions> actions;  ///< replaced only by exec, with one task left
    bool is_stopped = false;
    bool has_continue_notice = false;  ///< the first task to leave the stop tells the parent
    bool is_exiting = false;           ///< exit_group or a fatal signal; all tasks end with group_status
    WaitStatus group_status;
    Task* executing_task = nullptr;  ///< execve waits for the other tasks to end
    WaitQueue stop_queue;            ///< stopped tasks wait here, and an execve for its siblings' end
    WaitQueue signal_arrivals;       ///< woken for every signal that becomes pending, for signalfd

    // ---- Attributes ----
    Limits limits;               ///< has its own lock
    std::uint64_t start_ns = 0;  ///< monotonic
    std::atomic<bool> is_dumpable = true;
    std::atomic<UserId> owner = 0;    ///< real user id, for signals' information and /proc
    ProcessTimers* timers = nullptr;  ///< created with the first timer; guarded by signal_mutex
    std::atomic<std::uint32_t> personality = 0;
    std::atomic<std::int32_t> oom_score_adjustment = 0;

    [[nodiscard]] bool is_init() const { return id == 1; }
};

/// The calling task's process.
[[nodiscard]] inline Process& current_process() {
    return current_task().process();
}

}  // namespace astrata::linux_abi
