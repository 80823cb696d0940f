// Scheduling policies, priorities and affinity (sched(7)).
#include <algorithm>
#include <array>
#include <bit>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/futex/priority_lock.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/scheduling.h"
#include "strates/linux/process/system_information.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint32_t reset_on_fork = 0x4000'0000;

bool is_known(std::uint32_t policy) {
    return policy == other || policy == batch || policy == idle || is_real_time(policy);
}

LinuxResult<Task*> find(Task& task, std::int32_t pid) REQUIRES(process_table().mutex) {
    if (pid < 0)
        return fail(Errno::einval);
    auto* found = pid == 0 ? &task : process_table().find_task(static_cast<ProcessId>(pid));
    if (found == nullptr)
        return fail(Errno::esrch);
    return found;
}

LinuxResult<> check_may_change(Task& task, Task& target) REQUIRES(process_table().mutex) {
    auto credentials = target.share_credentials();
    auto const& own = task.credentials();
    if (own.has(Capability::sys_nice) || !credentials || own.effective_uid == credentials->uid ||
        own.effective_uid == credentials->effective_uid)
        return {};
    return fail(Errno::eperm);
}

LinuxResult<> change_policy(Task& task, std::int32_t pid, std::uint32_t policy, std::int32_t priority) {
    policy &= ~reset_on_fork;
    if (!is_known(policy) || priority < 0 || priority > 99 || is_real_time(policy) != (priority != 0))
        return fail(Errno::einval);
    auto const target = LTRY([&]() -> LinuxResult<Ref<Task>> {
        Lock lock(process_table().mutex);
        auto* found = LTRY(find(task, pid));
        LTRY(check_may_change(task, *found));
        if (is_real_time(policy) && !task.credentials().has(Capability::sys_nice))
            return fail(Errno::eperm);
        found->scheduling_policy = policy;
        found->scheduling_priority = priority;
        if (found != &task) {
            apply_priority(*found);
            lend_anew(*found);
        }
        return Ref<Task>::share(*found);
    }());
    // The caller may be less urgent from here on than those who wait for the lock: so not with the lock held.
    if (target.get() == &task) {
        lend_anew(task);
        apply_priority(task);
    }
    return {};
}

LinuxResult<> check_which(std::int32_t which) {
    if (which < 0 || which > 2)
        return fail(Errno::einval);
    return {};
}

// PRIO_PROCESS, PRIO_PGRP, PRIO_USER.
template <typename Visitor>
bool for_each_selected(Task& task, std::int32_t which, std::int32_t who, Visitor visit)
    REQUIRES(process_table().mutex) {
    enum : std::int32_t { process = 0, group = 1, user = 2 };
    bool is_found = false;
    if (which == process) {
        auto* found = who == 0 ? &task : process_table().find_task(static_cast<ProcessId>(who));
        if (found != nullptr)
            visit(*found);
        return found != nullptr;
    }
    auto group_id = which == group && who == 0 ? task.process().group->id : static_cast<ProcessId>(who);
    auto owner = who == 0 ? task.credentials().uid : static_cast<UserId>(who);
    process_table().for_each([&](Process& candidate) NO_THREAD_SAFETY_ANALYSIS {  // the caller holds the lock
        bool is_selected = which == group ? candidate.group->id == group_id : candidate.owner.load() == owner;
        if (!is_selected)
            return;
        for (auto& member : candidate.tasks) {
            is_found = true;
            visit(member);
        }
    });
    return is_found;
}

}  // namespace

LinuxResult<std::uint64_t> sys_sched_yield(Task&) {
    static_cast<void>(sys::thread_yield());
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_setparam(Task& task, std::int32_t pid, GuestAddress parameters) {
    auto priority = LTRY(read_guest<std::int32_t>(parameters));
    std::uint32_t policy = 0;
    {
        Lock lock(process_table().mutex);
        policy = LTRY(find(task, pid))->scheduling_policy;
    }
    LTRY(change_policy(task, pid, policy, priority));
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_getparam(Task& task, std::int32_t pid, GuestAddress parameters) {
    std::int32_t priority = 0;
    {
        Lock lock(process_table().mutex);
        priority = LTRY(find(task, pid))->scheduling_priority;
    }
    LTRY(write_guest(parameters, priority));
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_setscheduler(Task& task, std::int32_t pid, std::int32_t policy,
                                                  GuestAddress parameters) {
    auto priority = LTRY(read_guest<std::int32_t>(parameters));
    LTRY(change_policy(task, pid, static_cast<std::uint32_t>(policy), priority));
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_getscheduler(Task& task, std::int32_t pid) {
    Lock lock(process_table().mutex);
    return LTRY(find(task, pid))->scheduling_policy;
}

LinuxResult<std::uint64_t> sys_sched_get_priority_max(Task&, std::int32_t policy) {
    if (!is_known(static_cast<std::uint32_t>(policy)))
        return fail(Errno::einval);
    return is_real_time(static_cast<std::uint32_t>(policy)) ? 99 : 0;
}

LinuxResult<std::uint64_t> sys_sched_get_priority_min(Task&, std::int32_t policy) {
    if (!is_known(static_cast<std::uint32_t>(policy)))
        return fail(Errno::einval);
    return is_real_time(static_cast<std::uint32_t>(policy)) ? 1 : 0;
}

LinuxResult<std::uint64_t> sys_sched_rr_get_interval(Task& task, std::int32_t pid, GuestAddress interval) {
    {
        Lock lock(process_table().mutex);
        static_cast<void>(LTRY(find(task, pid)));
    }
    LTRY(write_guest(interval, to_timespec(10'000'000)));  // Bedrock's time slice
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_setaffinity(Task& task, std::int32_t pid, std::uint32_t size, GuestAddress mask) {
    std::uint64_t wanted = 0;
    auto known = std::min<std::size_t>(size, sizeof(wanted));
    LTRY(copy_from_guest(std::as_writable_bytes(std::span(&wanted, 1)).first(known), mask));
    wanted &= online_cpu_mask();
    if (wanted == 0)
        return fail(Errno::einval);
    Lock lock(process_table().mutex);
    auto* target = LTRY(find(task, pid));
    LTRY(check_may_change(task, *target));
    target->cpu_mask = wanted;
    // A thread that has not begun yet takes the mask when it does.
    if (target->thread != 0)
        LTRY(sys::thread_set_affinity(target->thread, wanted));
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_getaffinity(Task& task, std::int32_t pid, std::uint32_t size, GuestAddress mask) {
    constexpr std::uint32_t mask_size = 8;
    if (size < mask_size || size % mask_size != 0)
        return fail(Errno::einval);
    std::uint64_t result = 0;
    {
        Lock lock(process_table().mutex);
        result = LTRY(find(task, pid))->cpu_mask & online_cpu_mask();
    }
    LTRY(write_guest(mask, result));
    return mask_size;
}

// struct sched_attr, first version.
namespace {
struct SchedulingAttributes {
    std::uint32_t size = 48, policy = 0;
    std::uint64_t flags = 0;
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0, deadline = 0, period = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);
}  // namespace

LinuxResult<std::uint64_t> sys_sched_setattr(Task& task, std::int32_t pid, GuestAddress attributes,
                                             std::uint64_t flags) {
    auto given = LTRY(read_guest<SchedulingAttributes>(attributes));
    if (flags != 0 || given.size < sizeof(given))
        return fail(Errno::einval);
    auto const nice = std::clamp(given.nice, -20, 19);
    {
        Lock lock(process_table().mutex);
        if (nice < LTRY(find(task, pid))->nice && !task.credentials().has(Capability::sys_nice))
            return fail(Errno::eperm);
    }
    LTRY(change_policy(task, pid, given.policy, static_cast<std::int32_t>(given.priority)));
    Lock lock(process_table().mutex);
    auto* target = LTRY(find(task, pid));
    target->nice = nice;
    apply_priority(*target);
    lend_anew(*target);
    return 0;
}

LinuxResult<std::uint64_t> sys_sched_getattr(Task& task, std::int32_t pid, GuestAddress attributes, std::uint32_t size,
                                             std::uint64_t flags) {
    SchedulingAttributes result;
    if (flags != 0 || size < sizeof(result))
        return fail(Errno::einval);
    {
        Lock lock(process_table().mutex);
        auto* target = LTRY(find(task, pid));
        result.policy = target->scheduling_policy;
        result.nice = target->nice;
        result.priority = static_cast<std::uint32_t>(target->scheduling_priority);
    }
    LTRY(write_guest(attributes, result));
    return 0;
}

LinuxResult<std::uint64_t> sys_getpriority(Task& task, std::int32_t which, std::int32_t who) {
    LTRY(check_which(which));
    Lock lock(process_table().mutex);
    std::int32_t lowest = 20;
    bool is_found = for_each_selected(task, which, who, [&](Task& target) { lowest = std::min(lowest, target.nice); });
    if (!is_found)
        return fail(Errno::esrch);
    return static_cast<std::uint64_t>(20 - lowest);  // the C library subtracts again
}

LinuxResult<std::uint64_t> sys_setpriority(Task& task, std::int32_t which, std::int32_t who, std::int32_t priority) {
    LTRY(check_which(which));
    auto nice = std::clamp(priority, -20, 19);
    Lock lock(process_table().mutex);
    LinuxResult<> result;
    bool is_found = for_each_selected(task, which, who, [&](Task& target) NO_THREAD_SAFETY_ANALYSIS {  // held above
        if (auto allowed = check_may_change(task, target); !allowed.has_value()) {
            result = allowed;
            return;
        }
        if (nice < target.nice && !task.credentials().has(Capability::sys_nice)) {
            result = fail(Errno::eacces);
            return;
        }
        target.nice = nice;
        apply_priority(target);
        lend_anew(target);
    });
    if (!is_found)
        return fail(Errno::esrch);
    LTRY(std::move(result));
    return 0;
}

// Input and output have no priorities here: requests of all programs go in order.
LinuxResult<std::uint64_t> sys_ioprio_set(Task&, std::int32_t which, std::int32_t, std::int32_t priority) {
    constexpr std::int32_t highest_class = 3;
    if (which < 1 || which > 3 || priority < 0 || priority >> 13 > highest_class)
        return fail(Errno::einval);
    return 0;
}

LinuxResult<std::uint64_t> sys_ioprio_get(Task&, std::int32_t which, std::int32_t) {
    if (which < 1 || which > 3)
        return fail(Errno::einval);
    return 0;  // none set
}

}  // namespace astrata::linux_abi
