#include "strates/linux/process/exit.h"

#include "abi/system_calls.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/futex/futex.h"
#include "strates/linux/futex/priority_lock.h"
#include "strates/linux/futex/robust_list.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/personality/job.h"
#include "strates/linux/process/scheduling.h"
#include "strates/linux/process/times.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/time/process_timers.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {
namespace {

void hang_up_group(ProcessGroup const& group) REQUIRES(process_table().mutex) {
    send_to_group_locked(group, SignalInfo::from_kernel(Signal::sighup));
    send_to_group_locked(group, SignalInfo::from_kernel(Signal::sigcont));
}

// POSIX: a group that becomes orphaned with a stopped member gets SIGHUP and SIGCONT, since nobody else could continue
// it.
void check_orphaned(ProcessGroup const& group, Process& ending) REQUIRES(process_table().mutex) {
    if (!process_table().is_orphaned(group, &ending))
        return;
    bool has_stopped = false;
    process_table().for_each_in_group(group, [&](Process& member) {
        Lock lock(member.signal_mutex);
        has_stopped = has_stopped || member.is_stopped;
    });
    if (has_stopped)
        hang_up_group(group);
}

Process& find_reaper(Process& process) REQUIRES(process_table().mutex) {
    for (auto* ancestor = process.parent; ancestor != nullptr; ancestor = ancestor->parent) {
        if (ancestor->is_subreaper && !ancestor->is_zombie)
            return *ancestor;
    }
    return process_table().init();
}

// Tells the parent that `process` is a zombie; reaps it if the parent does not care.
void report_end(Process& process) REQUIRES(process_table().mutex) {
    auto& parent = *process.parent;
    if (parent.is_init()) {
        reap(process);
        return;
    }
    auto action = parent.actions->get(Signal::sigchld);
    bool is_unwanted = process.exit_signal == Signal::sigchld &&
                       (action.is_ignore() || (action.flags & action_flag::no_child_wait) != 0);
    if (process.exit_signal != Signal::none) {
        auto status = process.exit_status;
        auto usage = process.ended_tasks_usage;
        auto info =
            SignalInfo::from_child(status.is_exit()     ? signal_code::child_exited
                                   : status.is_dumped() ? signal_code::child_dumped
                                                        : signal_code::child_killed,
                                   process.id, process.owner.load(std::memory_order_relaxed),
                                   static_cast<std::int32_t>(status.is_exit() ? status.exit_code() : status.signal()),
                                   to_ticks(usage.cpu_ns), 0);
        info.number = static_cast<std::int32_t>(process.exit_signal);
        static_cast<void>(send_to_process(parent, info));
    }
    if (is_unwanted)
        reap(process);
    parent.child_events.wake_all();
}

void give_children_away(Process& process) REQUIRES(process_table().mutex) {
    auto& reaper = find_reaper(process);
    while (auto* child = process.children.pop_front()) {
        child->set_parent(&reaper);
        reaper.children.push_back(*child);
        if (child->is_zombie) {
            report_end(*child);
            continue;
        }
        for (auto& task : child->tasks) {
            if (task.parent_death_signal != 0)
                static_cast<void>(
                    send_to_task(task, SignalInfo::from_process(static_cast<Signal>(task.parent_death_signal),
                                                                signal_code::user, process.id, 0)));
        }
        check_orphaned(*child->group, process);
    }
}

void end_session(Process& process) REQUIRES(process_table().mutex) {
    auto& session = *process.group->session;
    session.has_leader = false;
    auto terminal = std::move(session.terminal);
    session.terminal = nullptr;
    if (!terminal)
        return;
    if (auto* foreground = process_table().find_group(terminal->foreground_group()))
        hang_up_group(*foreground);
    terminal->release_session();
}

// Returns the job that the process was the first one of, to be let go when no lock is held.
RefOrNull<Job> end_process(Process& process, WaitStatus status) REQUIRES(process_table().mutex) {
    process.exit_status = status;
    if (process.group->session->id == process.id)
        end_session(process);
    check_orphaned(*process.group, process);
    process.is_zombie = true;
    give_children_away(process);
    RefOrNull<Job> job;
    std::swap(job, process.job);
    if (job)
        job->on_ended(status);
    report_end(process);
    return job;
}

// Whether no task is left that does not end too. Two that end at once must not both take the other for one that goes
// on, and a task that ends makes no further ones, so the answer stays true.
bool begin_task_end(Process& process) {
    Lock lock(process.signal_mutex);
    return ++process.ending_task_count == process.task_count;
}

}  // namespace

void reap(Process& process) {
    process.parent->children_usage.add(process.ended_tasks_usage);
    process.parent->children_usage.add(process.children_usage);
    process.parent->children.remove(process);
    process.set_parent(nullptr);
    process_table().remove(process);
    process.drop_reference();  // the table's
}

void begin_group_exit(Process& process, WaitStatus status) {
    Lock lock(process.signal_mutex);
    begin_group_exit_locked(process, status);
}

LinuxResult<> end_other_tasks(Task& task) {
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    if (process.is_exiting || process.executing_task != nullptr)
        return fail(Errno::erestartnointr);
    process.executing_task = &task;
    for (auto& other : process.tasks) {
        if (&other != &task)
            other.interrupt(task_work::exit);
    }
    while (process.task_count > 1 && !task.is_dying())
        static_cast<void>(wait(process.stop_queue, process.signal_mutex, never, WaitMode::killable));
    process.executing_task = nullptr;
    if (task.is_dying())
        return fail(Errno::erestartnointr);
    return {};
}

void release_vfork_parent(Task& task) {
    auto* parent = task.vfork_parent_waits;
    if (parent == nullptr)
        return;
    task.vfork_parent_waits = nullptr;
    {
        Lock lock(process_table().mutex);
        task.process().is_borrowing_memory = false;
        parent->child_events.wake_all();
    }
    parent->drop_reference();
}

ThreadLeft finish_task(Task& task, WaitStatus status) {
    auto& process = task.process();

    // While the program's memory is still there: what other threads wait for in it.
    auto memory = task.share_memory();
    leave_priority_locks(task);
    leave_robust_list(task);
    if (!task.clear_child_tid.is_null() && write_guest(task.clear_child_tid, std::uint32_t{0}).has_value())
        static_cast<void>(wake_futex(task.clear_child_tid, 1, ~0u, true));

    // Then what it shares, outside all locks: the last reference closes files, which may take long.
    task.set_files(nullptr);
    task.set_fs(nullptr);
    release_vfork_parent(task);
    static_cast<void>(sys::thread_set_space(0));
    bool const is_end_of_process = begin_task_end(process);
    auto const resident = memory && is_end_of_process ? memory->resident_bytes() : 0;
    task.set_memory(nullptr);
    memory = nullptr;

    auto usage = thread_usage(task);
    usage.maximum_resident = resident;
    ThreadLeft left{.used = task.thread_before};
    left.used.add(usage);
    auto own = Ref<Process>::share(process);
    RefOrNull<Job> job;
    if (is_end_of_process)
        stop_timers(process);
    {
        Lock table(process_table().mutex);
        bool is_last = false;
        {
            Lock lock(process.signal_mutex);
            process.tasks.remove(task);
            --process.ending_task_count;
            is_last = --process.task_count == 0;
            process.ended_tasks_usage.add(usage);
            if (is_last && !process.is_exiting) {
                process.is_exiting = true;
                process.group_status = status;
            }
            // What was sent to the whole process may have been this task's to take.
            if (!is_last)
                interrupt_takers_locked(process, task);
            process.stop_queue.wake_all();
        }
        process_table().remove(task);
        left.has_default_scheduling =
            task.nice == 0 && task.scheduling_policy == other && task.cpu_mask == ~std::uint64_t{0};
        task.thread = 0;
        task.run_state.store(TaskState::dead, std::memory_order_relaxed);
        task.parker.end();
        if (is_last)
            job = end_process(process, process.group_status);
    }
    task.drop_reference();  // the running thread's own
    return left;
}

}  // namespace astrata::linux_abi
