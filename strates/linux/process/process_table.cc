#include "strates/linux/process/process_table.h"

#include "strates/linux/core/make.h"
#include "strates/linux/personality/job.h"

namespace astrata::linux_abi {

ProcessTable& process_table() {
    static constinit ProcessTable table;
    return table;
}

LinuxResult<> ProcessTable::start() {
    auto session = LTRY(make_ref<Session>(1u));
    auto group = LTRY(make_ref<ProcessGroup>(1u, session));
    auto actions = LTRY(make_ref<SignalActions>());
    auto process = LTRY(make_ref<Process>(1u, std::move(actions), group));
    Lock lock(mutex);
    init_ = process.leak();  // for good
    insert(*group);
    insert(*init_);
    return {};
}

bool ProcessTable::is_id_used(ProcessId id) {
    if (find_process(id) != nullptr || find_task(id) != nullptr || find_group(id) != nullptr)
        return true;
    // A session's id stays taken while it has members, whose groups may be others.
    for (auto const& process : processes_) {
        if (process.group->session->id == id)
            return true;
    }
    return false;
}

LinuxResult<ProcessId> ProcessTable::allocate_id() {
    constexpr ProcessId first_reused = 300;
    for (ProcessId tries = 0; tries < pid_limit; ++tries) {
        last_id_ = last_id_ + 1 >= pid_limit ? first_reused : last_id_ + 1;
        if (!is_id_used(last_id_))
            return last_id_;
    }
    return fail(Errno::eagain);
}

void ProcessTable::insert(Process& process) {
    // Ids ascend until they wrap, so the place is nearly always the end.
    Process* position = nullptr;
    if (auto* last = processes_.back(); last != nullptr && last->id > process.id) {
        for (auto& other : processes_) {
            if (other.id > process.id) {
                position = &other;
                break;
            }
        }
    }
    processes_.insert_before(position, process);
}

void ProcessTable::remove(Process& process) {
    processes_.remove(process);
    if (is_group_empty(*process.group) && decltype(groups_)::is_linked(*process.group))
        groups_.remove(*process.group);
}

void ProcessTable::insert(Task& task) {
    tasks_[bucket(task.id())].push_back(task);
    ++task_count_;
}

void ProcessTable::remove(Task& task) {
    tasks_[bucket(task.id())].remove(task);
    --task_count_;
}

void ProcessTable::insert(ProcessGroup& group) {
    groups_.push_back(group);
}

Process* ProcessTable::find_process(ProcessId id) {
    for (auto& process : processes_) {
        if (process.id >= id)
            return process.id == id ? &process : nullptr;
    }
    return nullptr;
}

Task* ProcessTable::find_task(ProcessId id) {
    for (auto& task : tasks_[bucket(id)]) {
        if (task.id() == id)
            return &task;
    }
    return nullptr;
}

ProcessGroup* ProcessTable::find_group(ProcessId id) {
    for (auto& group : groups_) {
        if (group.id == id)
            return &group;
    }
    return nullptr;
}

Process* ProcessTable::next_process(ProcessId after) {
    for (auto& process : processes_) {
        if (process.id > after)
            return &process;
    }
    return nullptr;
}

Task* ProcessTable::next_task(Process& process, ProcessId after) {
    Task* best = nullptr;
    for (auto& task : process.tasks) {
        if (task.id() > after && (best == nullptr || task.id() < best->id()))
            best = &task;
    }
    return best;
}

void ProcessTable::set_group(Process& process, Ref<ProcessGroup> group) {
    if (!decltype(groups_)::is_linked(*group))
        groups_.push_back(*group);
    std::swap(process.group, group);
    if (process.group != group && is_group_empty(*group) && decltype(groups_)::is_linked(*group))
        groups_.remove(*group);
}

bool ProcessTable::is_group_empty(ProcessGroup const& group) {
    for (auto const& process : processes_) {
        if (process.group.get() == &group)
            return false;
    }
    return true;
}

bool ProcessTable::is_orphaned(ProcessGroup const& group, Process const* without) {
    for (auto const& process : processes_) {
        if (process.group.get() != &group || process.is_zombie || &process == without)
            continue;
        // Whoever started a job from outside can continue it, as a shell would.
        if (process.job)
            return false;
        auto const* parent = process.parent;
        if (parent == nullptr || parent->is_init() || parent == without)
            continue;
        if (parent->group.get() != &group && parent->group->session == group.session)
            return false;
    }
    return true;
}

}  // namespace astrata::linux_abi
