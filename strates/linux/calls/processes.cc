// clone, fork, vfork, exit, wait.
#include <optional>

#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/memory/memory.h"
#include "strates/linux/process/clone.h"
#include "strates/linux/process/exit.h"
#include "strates/linux/process/rusage.h"
#include "strates/linux/process/times.h"

namespace astrata::linux_abi {
namespace {

// wait4 and waitid options.
constexpr std::uint64_t option_no_hang = 1;
constexpr std::uint64_t option_stopped = 2;  // WUNTRACED, WSTOPPED
constexpr std::uint64_t option_exited = 4;
constexpr std::uint64_t option_continued = 8;
constexpr std::uint64_t option_no_wait = 0x0100'0000;
constexpr std::uint64_t options_ignored = 0xe000'0000;  // __WNOTHREAD, __WALL, __WCLONE

struct WaitRequest {
    enum class Whom : std::uint8_t { any, process, group } whom = Whom::any;
    ProcessId id = 0;
    std::uint64_t options = 0;
};

struct WaitReport {
    ProcessId id = 0;
    UserId owner = 0;
    WaitStatus status;
    std::int32_t code = 0;  // CLD_*
    Usage usage;
};

bool is_wanted(WaitRequest const& request, Process const& child) REQUIRES(process_table().mutex) {
    switch (request.whom) {
    case WaitRequest::Whom::any: return true;
    case WaitRequest::Whom::process: return child.id == request.id;
    case WaitRequest::Whom::group: return child.group->id == request.id;
    }
    return false;
}

// What `child` has to report under these options, taken from it unless WNOWAIT. The child may be gone afterwards.
std::optional<WaitReport> take_report(WaitRequest const& request, Process& child) REQUIRES(process_table().mutex) {
    bool is_taken = (request.options & option_no_wait) == 0;
    WaitReport report{.id = child.id, .owner = child.owner.load(std::memory_order_relaxed)};
    if (child.is_zombie && (request.options & option_exited) != 0) {
        report.status = child.exit_status;
        report.code = report.status.is_exit()     ? signal_code::child_exited
                      : report.status.is_dumped() ? signal_code::child_dumped
                                                  : signal_code::child_killed;
        report.usage = child.ended_tasks_usage;
        report.usage.add(child.children_usage);
        if (is_taken)
            reap(child);
        return report;
    }
    if (child.has_stop_report && (request.options & option_stopped) != 0) {
        report.status = child.stop_status;
        report.code = signal_code::child_stopped;
        report.usage = process_usage(child);
        child.has_stop_report = !is_taken;
        return report;
    }
    if (child.has_continue_report && (request.options & option_continued) != 0) {
        report.status = WaitStatus::continued();
        report.code = signal_code::child_continued;
        report.usage = process_usage(child);
        child.has_continue_report = !is_taken;
        return report;
    }
    return std::nullopt;
}

// An empty report (id 0) for WNOHANG.
LinuxResult<WaitReport> wait_for_child(Process& process, WaitRequest const& request) {
    Lock lock(process_table().mutex);
    for (;;) {
        bool has_candidate = false;
        for (auto& child : process.children) {
            if (!is_wanted(request, child))
                continue;
            has_candidate = true;
            if (auto report = take_report(request, child))
                return *report;
        }
        if (!has_candidate)
            return fail(Errno::echild);
        if ((request.options & option_no_hang) != 0)
            return WaitReport{};
        LTRY(wait(process.child_events, process_table().mutex));
    }
}

LinuxResult<std::uint64_t> clone_as_parent(Task& task, CloneRequest const& request) {
    return LTRY(clone_task(task, request));
}

}  // namespace

LinuxResult<std::uint64_t> sys_fork(Task& task) {
    return clone_as_parent(task, {.exit_signal = static_cast<std::uint64_t>(Signal::sigchld)});
}

LinuxResult<std::uint64_t> sys_vfork(Task& task) {
    return clone_as_parent(task, {.flags = clone_flag::vm | clone_flag::vfork,
                                  .exit_signal = static_cast<std::uint64_t>(Signal::sigchld)});
}

LinuxResult<std::uint64_t> sys_clone(Task& task, std::uint64_t flags, GuestAddress stack, GuestAddress parent_tid,
                                     GuestAddress child_tid, GuestAddress tls) {
    // The upper half of the flags word is not clone's.
    flags &= 0xffff'ffff;
    return clone_as_parent(task, {.flags = flags & ~clone_flag::exit_signal_mask,
                                  .exit_signal = flags & clone_flag::exit_signal_mask,
                                  .stack = stack.value,
                                  .tls = tls.value,
                                  .parent_tid = parent_tid,
                                  .child_tid = child_tid});
}

LinuxResult<std::uint64_t> sys_clone3(Task& task, GuestAddress arguments, std::uint64_t size) {
    // struct clone_args, all versions.
    struct CloneArguments {
        std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
            control_group;
    } given{};
    constexpr std::size_t first_version = 64;
    if (size < first_version)
        return fail(Errno::einval);
    if (size > page_size)
        return fail(Errno::e2big);
    auto known = std::min<std::uint64_t>(size, sizeof(given));
    LTRY(copy_from_guest(std::as_writable_bytes(std::span(&given, 1)).first(known), arguments));
    for (std::uint64_t offset = known; offset < size; ++offset) {
        if (LTRY(read_guest<std::uint8_t>(arguments + offset)) != 0)
            return fail(Errno::e2big);  // asks for something newer
    }
    bool has_stack = given.stack != 0;
    if (given.set_tid != 0 || given.set_tid_size != 0 || has_stack != (given.stack_size != 0) ||
        (given.flags & clone_flag::exit_signal_mask) != 0 ||
        ((given.flags & (clone_flag::thread | clone_flag::parent)) != 0 && given.exit_signal != 0))
        return fail(Errno::einval);
    return clone_as_parent(task, {.flags = given.flags,
                                  .exit_signal = given.exit_signal,
                                  .stack = has_stack ? given.stack + given.stack_size : 0,
                                  .tls = given.tls,
                                  .parent_tid = {given.parent_tid},
                                  .child_tid = {given.child_tid}});
}

LinuxResult<std::uint64_t> sys_exit(Task& task, std::int32_t code) {
    task.own_status = WaitStatus::exited(static_cast<std::uint32_t>(code));
    task.work.fetch_or(task_work::exit, std::memory_order_relaxed);
    return 0;
}

LinuxResult<std::uint64_t> sys_exit_group(Task& task, std::int32_t code) {
    begin_group_exit(task.process(), WaitStatus::exited(static_cast<std::uint32_t>(code)));
    return 0;
}

LinuxResult<std::uint64_t> sys_wait4(Task& task, std::int32_t pid, GuestAddress status, std::uint64_t options,
                                     GuestAddress usage) {
    options &= 0xffff'ffff;
    if ((options & ~(option_no_hang | option_stopped | option_continued | options_ignored)) != 0)
        return fail(Errno::einval);
    WaitRequest request{.options = options | option_exited};
    if (pid == std::numeric_limits<std::int32_t>::min())
        return fail(Errno::esrch);
    if (pid > 0) {
        request.whom = WaitRequest::Whom::process;
        request.id = static_cast<ProcessId>(pid);
    } else if (pid < -1) {
        request.whom = WaitRequest::Whom::group;
        request.id = static_cast<ProcessId>(-pid);
    } else if (pid == 0) {
        request.whom = WaitRequest::Whom::group;
        Lock lock(process_table().mutex);
        request.id = task.process().group->id;
    }
    auto report = LTRY(wait_for_child(task.process(), request));
    if (report.id == 0)
        return 0;
    if (!status.is_null())
        LTRY(write_guest(status, report.status.value));
    if (!usage.is_null())
        LTRY(write_guest(usage, to_rusage(report.usage)));
    return report.id;
}

LinuxResult<std::uint64_t> sys_waitid(Task& task, std::int32_t which, std::int32_t id, GuestAddress information,
                                      std::uint64_t options, GuestAddress usage) {
    enum : std::int32_t { all = 0, process = 1, group = 2 };
    options &= 0xffff'ffff;
    constexpr auto kinds = option_stopped | option_exited | option_continued;
    if ((options & ~(kinds | option_no_hang | option_no_wait | options_ignored)) != 0 || (options & kinds) == 0)
        return fail(Errno::einval);
    WaitRequest request{.options = options};
    switch (which) {
    case all: break;
    case process:
        if (id <= 0)
            return fail(Errno::einval);
        request.whom = WaitRequest::Whom::process;
        request.id = static_cast<ProcessId>(id);
        break;
    case group:
        if (id < 0)
            return fail(Errno::einval);
        request.whom = WaitRequest::Whom::group;
        request.id = static_cast<ProcessId>(id);
        if (id == 0) {
            Lock lock(process_table().mutex);
            request.id = task.process().group->id;
        }
        break;
    default: return fail(Errno::einval);
    }
    auto report = LTRY(wait_for_child(task.process(), request));
    if (!information.is_null()) {
        SignalInfo info;
        if (report.id != 0) {
            auto status = report.code == signal_code::child_exited      ? report.status.exit_code()
                          : report.code == signal_code::child_stopped   ? report.status.exit_code()
                          : report.code == signal_code::child_continued ? static_cast<std::uint32_t>(Signal::sigcont)
                                                                        : report.status.signal();
            info =
                SignalInfo::from_child(report.code, report.id, report.owner, static_cast<std::int32_t>(status), 0, 0);
        }
        LTRY(write_guest(information, info));
    }
    if (!usage.is_null() && report.id != 0)
        LTRY(write_guest(usage, to_rusage(report.usage)));
    return 0;
}

}  // namespace astrata::linux_abi
