#include "strates/linux/process/clone.h"

#include <new>

#include "abi/system_calls.h"
#include "strates/linux/core/make.h"
#include "strates/linux/file/file_table.h"
#include "strates/linux/guest/loop.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/signal/vector_state.h"
#include "strates/linux/time/process_timers.h"
#include "strates/linux/vfs/context.h"

namespace astrata::linux_abi {
namespace {

bool has(std::uint64_t flags, std::uint64_t bit) {
    return (flags & bit) != 0;
}

LinuxResult<> check_flags(CloneRequest const& request) {
    auto flags = request.flags;
    using namespace clone_flag;
    bool is_consistent =
        (!has(flags, thread) || has(flags, signal_handlers)) && (!has(flags, signal_handlers) || has(flags, vm)) &&
        (!has(flags, signal_handlers) || !has(flags, clear_handlers)) && (!has(flags, thread) || !has(flags, vfork));
    if (!is_consistent || has(flags, namespaces | into_control_group | pidfd) ||
        request.exit_signal > static_cast<std::uint64_t>(last_signal))
        return fail(Errno::einval);
    return {};
}

// What the new task shares with its maker or gets a copy of.
LinuxResult<> share_or_copy(Task& task, Task& child, std::uint64_t flags) {
    if (has(flags, clone_flag::vm))
        child.set_memory(task.share_memory());
    else
        child.set_memory(LTRY(task.memory().clone()));
    if (has(flags, clone_flag::files))
        child.set_files(task.share_files());
    else
        child.set_files(LTRY(task.files().clone()));
    if (has(flags, clone_flag::fs))
        child.set_fs(task.share_fs());
    else
        child.set_fs(LTRY(task.fs().clone()));
    return {};
}

LinuxResult<Ref<SignalActions>> actions_for_child(Process& process, std::uint64_t flags) {
    if (has(flags, clone_flag::signal_handlers))
        return process.actions;
    auto actions = LTRY(process.actions->copy());
    if (has(flags, clone_flag::clear_handlers))
        actions->reset_handlers();
    return actions;
}

void copy_task_attributes(Task const& task, Task& child, CloneRequest const& request) {
    child.set_name(task.name());
    child.no_new_privileges = task.no_new_privileges;
    child.scheduling_policy = task.scheduling_policy;
    child.scheduling_priority = task.scheduling_priority;
    child.nice = task.nice;
    child.cpu_mask = task.cpu_mask;
    child.start_ns = sys::clock_now().value;
    // A task that runs beside its maker in the same memory must not use the same alternate stack.
    if (!has(request.flags, clone_flag::vm) || has(request.flags, clone_flag::vfork))
        child.alternate_stack = task.alternate_stack;
    child.set_blocked(task.blocked());
    if (has(request.flags, clone_flag::child_clear_tid))
        child.clear_child_tid = request.child_tid;
    if (has(request.flags, clone_flag::child_set_tid))
        child.child_tid_to_set = request.child_tid;
    child.initial_state = task.state();
    call_result(child.initial_state) = 0;
    if (request.stack != 0)
        stack_pointer(child.initial_state) = request.stack;
    if (has(request.flags, clone_flag::set_tls))
        thread_pointer(child.initial_state) = request.tls;
}

LinuxResult<> copy_vector_state(Task& child) {
    child.initial_vector_state.reset(new (std::nothrow) VectorState);
    if (child.initial_vector_state == nullptr)
        return fail(Errno::enomem);
    LTRY(save_vector_state(*child.initial_vector_state));
    return {};
}

// Puts a task, and for a new process the process, where others can find it.
LinuxResult<> enter_tables(Process& process, Task& child, Process* new_parent) REQUIRES(process_table().mutex) {
    if (new_parent != nullptr) {
        process.set_parent(new_parent);
        new_parent->children.push_back(process);
        process_table().insert(process);
        process.add_reference();  // the table's
    }
    Lock lock(process.signal_mutex);
    // A group that is ending or executing takes no more members.
    if (process.is_exiting || process.executing_task != nullptr)
        return fail(Errno::erestartnointr);
    process.tasks.push_back(child);
    ++process.task_count;
    process_table().insert(child);
    child.add_reference();  // the running thread's
    process_table().forks.fetch_add(1, std::memory_order_relaxed);
    return {};
}

LinuxResult<> check_process_limit(Task& task) REQUIRES(process_table().mutex) {
    if (process_table().task_count() >= process_table().task_limit())
        return fail(Errno::eagain);
    auto limit = task.process().limits.soft(LimitKind::processes);
    bool is_privileged = task.credentials().uid == 0 || task.credentials().has(Capability::sys_resource);
    if (!is_privileged && process_table().task_count() >= limit)
        return fail(Errno::eagain);
    return {};
}

void wait_for_vfork_child(Process& parent, Process& child) {
    Lock lock(process_table().mutex);
    while (child.is_borrowing_memory && !is_dying())
        static_cast<void>(wait(parent.child_events, process_table().mutex, never, WaitMode::killable));
}

}  // namespace

void discard_task(Task& task) {
    auto& process = task.process();
    auto own = Ref<Process>::share(process);
    {
        Lock table(process_table().mutex);
        process_table().remove(task);
        Lock lock(process.signal_mutex);
        process.tasks.remove(task);
        if (--process.task_count == 0 && process.parent != nullptr) {
            process.parent->children.remove(process);
            process.set_parent(nullptr);
            process_table().remove(process);
            process.drop_reference();
        }
    }
    if (task.vfork_parent_waits != nullptr) {
        task.vfork_parent_waits->drop_reference();
        task.vfork_parent_waits = nullptr;
    }
    task.drop_reference();
}

LinuxResult<ProcessId> clone_task(Task& task, CloneRequest const& request) {
    LTRY(check_flags(request));
    auto& parent = task.process();
    bool is_thread = has(request.flags, clone_flag::thread);

    ProcessId id = 0;
    RefOrNull<ProcessGroup> group;
    {
        Lock lock(process_table().mutex);
        LTRY(check_process_limit(task));
        id = LTRY(process_table().allocate_id());
        group = parent.group;
    }
    RefOrNull<Process> made;
    if (!is_thread) {
        auto actions = LTRY(actions_for_child(parent, request.flags));
        made = LTRY(make_ref<Process>(id, std::move(actions), Ref<ProcessGroup>::share(*group)));
        made->exit_signal = static_cast<Signal>(request.exit_signal);
        made->limits.copy_from(parent.limits);
        made->start_ns = sys::clock_now().value;
        made->is_dumpable = parent.is_dumpable.load();
        made->personality = parent.personality.load();
        made->oom_score_adjustment = parent.oom_score_adjustment.load();
        made->owner = parent.owner.load();
    }
    Process& process = is_thread ? parent : *made;
    auto child = LTRY(Task::create(id, process));
    child->set_credentials(Ref<Credentials>::share(const_cast<Credentials&>(task.credentials())));
    LTRY(share_or_copy(task, *child, request.flags));
    LTRY(sys::restricted_save_bases());
    copy_task_attributes(task, *child, request);
    LTRY(copy_vector_state(*child));
    if (has(request.flags, clone_flag::parent_set_tid))
        static_cast<void>(write_guest(request.parent_tid, id));  // as Linux, which ignores a bad pointer here
    bool is_vfork = has(request.flags, clone_flag::vfork);
    if (is_vfork) {
        process.is_borrowing_memory = true;
        parent.add_reference();
        child->vfork_parent_waits = &parent;
    }

    {
        Lock lock(process_table().mutex);
        // setpgid on us may have come meanwhile.
        if (!is_thread)
            made->group = parent.group;
        auto* new_parent = has(request.flags, clone_flag::parent) && !parent.is_init() ? parent.parent : &parent;
        auto entered = enter_tables(process, *child, is_thread ? nullptr : new_parent);
        if (!entered.has_value())
            return fail(entered.error());
    }
    LinuxResult<> started;
    if (made && made->limits.soft(LimitKind::cpu) != unlimited)
        started = watch_processor_limit(*made);
    if (started.has_value())
        started = start_thread(*child);
    if (!started.has_value()) {
        discard_task(*child);
        return fail(started.error());
    }
    if (is_vfork)
        wait_for_vfork_child(parent, process);
    return id;
}

LinuxResult<Ref<Task>> create_first_task(Ref<Credentials> credentials) {
    auto actions = LTRY(make_ref<SignalActions>());
    ProcessId id = 0;
    {
        Lock lock(process_table().mutex);
        id = LTRY(process_table().allocate_id());
    }
    auto session = LTRY(make_ref<Session>(id));
    auto group = LTRY(make_ref<ProcessGroup>(id, session));
    auto process = LTRY(make_ref<Process>(id, std::move(actions), group));
    process->start_ns = sys::clock_now().value;
    process->owner = credentials->uid;
    auto task = LTRY(Task::create(id, *process));
    task->start_ns = process->start_ns;
    task->set_credentials(std::move(credentials));
    Lock lock(process_table().mutex);
    process_table().insert(*group);
    LTRY(enter_tables(*process, *task, &process_table().init()));
    return task;
}

}  // namespace astrata::linux_abi
