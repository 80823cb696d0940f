// Process ids, groups and sessions (credentials(7)).
#include "linux_calls/table.h"
#include "strates/linux/core/make.h"
#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {
namespace {

// 0 means the caller.
LinuxResult<Process*> find(Task& task, std::int32_t pid) REQUIRES(process_table().mutex) {
    auto* process = pid == 0  ? &task.process()
                    : pid > 0 ? process_table().find_process(static_cast<ProcessId>(pid))
                              : nullptr;
    if (process == nullptr)
        return fail(Errno::esrch);
    return process;
}

}  // namespace

LinuxResult<std::uint64_t> sys_getpid(Task& task) {
    return task.process().id;
}

LinuxResult<std::uint64_t> sys_gettid(Task& task) {
    return task.id();
}

LinuxResult<std::uint64_t> sys_getppid(Task& task) {
    return task.process().parent_id.load(std::memory_order_relaxed);
}

LinuxResult<std::uint64_t> sys_getpgrp(Task& task) {
    Lock lock(process_table().mutex);
    return task.process().group->id;
}

LinuxResult<std::uint64_t> sys_getpgid(Task& task, std::int32_t pid) {
    Lock lock(process_table().mutex);
    auto* process = LTRY(find(task, pid));
    return process->group->id;
}

LinuxResult<std::uint64_t> sys_getsid(Task& task, std::int32_t pid) {
    Lock lock(process_table().mutex);
    auto* process = LTRY(find(task, pid));
    return process->group->session->id;
}

LinuxResult<std::uint64_t> sys_setpgid(Task& task, std::int32_t pid, std::int32_t group) {
    if (group < 0 || pid < 0)
        return fail(Errno::einval);
    RefOrNull<ProcessGroup> old;  // may be the last reference: dropped after the lock
    Lock lock(process_table().mutex);
    auto* process = LTRY(find(task, pid));
    auto& session = *task.process().group->session;
    if (process != &task.process()) {
        if (process->parent != &task.process())
            return fail(Errno::esrch);
        if (process->group->session.get() != &session)
            return fail(Errno::eperm);
        if (process->has_executed)
            return fail(Errno::eacces);
    }
    if (process->group->session->id == process->id)
        return fail(Errno::eperm);  // a session's leader leads its group too
    auto wanted = group == 0 ? process->id : static_cast<ProcessId>(group);
    if (wanted == process->group->id)
        return 0;
    auto* existing = process_table().find_group(wanted);
    if (existing != nullptr && existing->session.get() != &session)
        return fail(Errno::eperm);
    if (existing == nullptr && wanted != process->id)
        return fail(Errno::eperm);
    old = process->group;
    if (existing != nullptr)
        process_table().set_group(*process, Ref<ProcessGroup>::share(*existing));
    else
        process_table().set_group(*process, LTRY(make_ref<ProcessGroup>(wanted, process->group->session)));
    return 0;
}

LinuxResult<std::uint64_t> sys_setsid(Task& task) {
    auto& process = task.process();
    auto session = LTRY(make_ref<Session>(process.id));
    auto group = LTRY(make_ref<ProcessGroup>(process.id, session));
    Lock lock(process_table().mutex);
    if (process_table().find_group(process.id) != nullptr)
        return fail(Errno::eperm);  // leads a group already
    process_table().set_group(process, std::move(group));
    return process.id;
}

}  // namespace astrata::linux_abi
