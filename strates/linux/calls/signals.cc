// Sending, catching, blocking and waiting for signals.
#include "abi/system_calls.h"
#include "linux_calls/table.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/signal/action_record.h"
#include "strates/linux/signal/deliver.h"
#include "strates/linux/signal/send.h"
#include "strates/linux/time/linux_time.h"

namespace astrata::linux_abi {
namespace {

constexpr std::uint64_t set_size_expected = sizeof(SignalSet);

// kill(2): root, or the sender's real or effective id is the target's real or saved one; SIGCONT within a session.
LinuxResult<> check_permission(Task& sender, Process& target, Signal signal) REQUIRES(process_table().mutex) {
    if (&sender.process() == &target || sender.credentials().has(Capability::kill))
        return {};
    auto* task = target.tasks.front();
    auto credentials = task != nullptr ? task->share_credentials() : nullptr;
    if (!credentials)
        return {};  // a zombie: nothing happens to it
    auto const& own = sender.credentials();
    if (own.effective_uid == credentials->uid || own.effective_uid == credentials->saved_uid ||
        own.uid == credentials->uid || own.uid == credentials->saved_uid)
        return {};
    if (signal == Signal::sigcont && sender.process().group->session == target.group->session)
        return {};
    return fail(Errno::eperm);
}

LinuxResult<> send_checked(Task& sender, Process& target, SignalInfo const& info) REQUIRES(process_table().mutex) {
    LTRY(check_permission(sender, target, info.signal()));
    if (info.number != 0)
        LTRY(send_to_process(target, info));
    return {};
}

// To all that `select` accepts: success if at least one could be sent to, ESRCH if there was none.
template <typename Select>
LinuxResult<> send_to_many(Task& sender, SignalInfo const& info, Select select) REQUIRES(process_table().mutex) {
    bool is_found = false, is_sent = false;
    LinuxResult<> last;
    process_table().for_each([&](Process& process) NO_THREAD_SAFETY_ANALYSIS {  // the caller holds the lock
        if (process.is_init() || !select(process))
            return;
        is_found = true;
        last = send_checked(sender, process, info);
        is_sent = is_sent || last.has_value();
    });
    if (!is_found)
        return fail(Errno::esrch);
    if (!is_sent)
        return last;
    return {};
}

LinuxResult<> check_number(std::int32_t signal) {
    if (signal != 0 && !is_signal_number(signal))
        return fail(Errno::einval);
    return {};
}

SignalInfo own_info(Task& task, std::int32_t signal, std::int32_t code) {
    return SignalInfo::from_process(static_cast<Signal>(signal), code, task.process().id, task.credentials().uid);
}

LinuxResult<> send_to_thread(Task& task, std::int32_t pid, std::int32_t tid, SignalInfo const& info) {
    if (tid <= 0 || pid == 0 || pid < -1)
        return fail(Errno::einval);
    Lock lock(process_table().mutex);
    auto* target = process_table().find_task(static_cast<ProcessId>(tid));
    if (target == nullptr || (pid > 0 && target->process().id != static_cast<ProcessId>(pid)))
        return fail(Errno::esrch);
    LTRY(check_permission(task, target->process(), info.signal()));
    if (info.number == 0)
        return {};
    return send_to_task(*target, info);
}

}  // namespace

LinuxResult<std::uint64_t> sys_kill(Task& task, std::int32_t pid, std::int32_t signal) {
    LTRY(check_number(signal));
    auto info = own_info(task, signal, signal_code::user);
    Lock lock(process_table().mutex);
    if (pid > 0) {
        auto* target = process_table().find_process(static_cast<ProcessId>(pid));
        if (target == nullptr)
            return fail(Errno::esrch);
        LTRY(send_checked(task, *target, info));
        return 0;
    }
    if (pid == -1) {
        LTRY(send_to_many(task, info, [&](Process& process) { return &process != &task.process(); }));
        return 0;
    }
    auto group = pid == 0 ? task.process().group->id : static_cast<ProcessId>(-static_cast<std::int64_t>(pid));
    LTRY(send_to_many(task, info, [&](Process& process) NO_THREAD_SAFETY_ANALYSIS {  // the lock above is held
        return process.group->id == group;
    }));
    return 0;
}

LinuxResult<std::uint64_t> sys_tkill(Task& task, std::int32_t tid, std::int32_t signal) {
    LTRY(check_number(signal));
    LTRY(send_to_thread(task, -1, tid, own_info(task, signal, signal_code::thread)));
    return 0;
}

LinuxResult<std::uint64_t> sys_tgkill(Task& task, std::int32_t pid, std::int32_t tid, std::int32_t signal) {
    LTRY(check_number(signal));
    if (pid <= 0)
        return fail(Errno::einval);
    LTRY(send_to_thread(task, pid, tid, own_info(task, signal, signal_code::thread)));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigqueueinfo(Task& task, std::int32_t pid, std::int32_t signal,
                                               GuestAddress information) {
    LTRY(check_number(signal));
    auto info = LTRY(read_guest<SignalInfo>(information));
    info.number = signal;
    Lock lock(process_table().mutex);
    auto* target = pid > 0 ? process_table().find_process(static_cast<ProcessId>(pid)) : nullptr;
    if (target == nullptr)
        return fail(Errno::esrch);
    // Nobody may pretend to be the kernel or kill() to others.
    if ((info.code >= 0 || info.code == signal_code::thread) && target != &task.process())
        return fail(Errno::eperm);
    LTRY(send_checked(task, *target, info));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_tgsigqueueinfo(Task& task, std::int32_t pid, std::int32_t tid, std::int32_t signal,
                                                 GuestAddress information) {
    LTRY(check_number(signal));
    if (pid <= 0)
        return fail(Errno::einval);
    auto info = LTRY(read_guest<SignalInfo>(information));
    info.number = signal;
    if ((info.code >= 0 || info.code == signal_code::thread) && static_cast<ProcessId>(pid) != task.process().id)
        return fail(Errno::eperm);
    LTRY(send_to_thread(task, pid, tid, info));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigaction(Task& task, std::int32_t number, GuestAddress action, GuestAddress old,
                                            std::uint64_t set_size) {
    if (set_size != set_size_expected || !is_signal_number(number))
        return fail(Errno::einval);
    using Record = ActionRecord<machine::has_restorer>;
    auto signal = static_cast<Signal>(number);
    auto& process = task.process();
    SignalAction former;
    if (!old.is_null())
        former = process.actions->get(signal);
    if (!action.is_null()) {
        auto fresh = LTRY(read_guest<Record>(action)).action();
        if (unblockable_signals.contains(signal))
            return fail(Errno::einval);
        fresh.mask = fresh.mask & ~unblockable_signals;
        process.actions->set(signal, fresh);
        // What is pending of a signal that is now ignored goes away.
        if (process.actions->is_ignored(signal)) {
            Lock lock(process.signal_mutex);
            process.pending.discard(SignalSet::of(signal));
            for (auto& other : process.tasks)
                other.pending.discard(SignalSet::of(signal));
        }
    }
    if (!old.is_null())
        LTRY(write_guest(old, Record::of(former)));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigprocmask(Task& task, std::int32_t how, GuestAddress set, GuestAddress old,
                                              std::uint64_t set_size) {
    enum : std::int32_t { block = 0, unblock = 1, replace = 2 };
    if (set_size != set_size_expected)
        return fail(Errno::einval);
    auto former = task.blocked();
    if (!set.is_null()) {
        auto given = LTRY(read_guest<SignalSet>(set));
        switch (how) {
        case block: task.set_blocked(former | given); break;
        case unblock: task.set_blocked(former & ~given); break;
        case replace: task.set_blocked(given); break;
        default: return fail(Errno::einval);
        }
    }
    if (!old.is_null())
        LTRY(write_guest(old, former));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigpending(Task& task, GuestAddress set, std::uint64_t set_size) {
    if (set_size > set_size_expected)
        return fail(Errno::einval);
    auto pending = pending_signals() & task.blocked();
    LTRY(copy_to_guest(set, std::as_bytes(std::span(&pending, 1)).first(set_size)));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigsuspend(Task&, GuestAddress set, std::uint64_t set_size) {
    if (set_size != set_size_expected)
        return fail(Errno::einval);
    set_temporary_mask(LTRY(read_guest<SignalSet>(set)));
    for (;;) {
        if (!sleep_task(never).has_value())
            return fail(Errno::erestartnohand);
    }
}

LinuxResult<std::uint64_t> sys_pause(Task&) {
    for (;;) {
        if (!sleep_task(never).has_value())
            return fail(Errno::erestartnohand);
    }
}

LinuxResult<std::uint64_t> sys_rt_sigtimedwait(Task& task, GuestAddress set, GuestAddress information,
                                               GuestAddress timeout, std::uint64_t set_size) {
    if (set_size != set_size_expected)
        return fail(Errno::einval);
    auto wanted = LTRY(read_guest<SignalSet>(set)) & ~unblockable_signals;
    auto deadline = LTRY(read_timeout(timeout));
    auto& process = task.process();
    auto set_awaited = [&](SignalSet awaited) {
        Lock lock(process.signal_mutex);
        task.awaited = awaited;
        if (awaited.is_empty())
            interrupt_takers_locked(process, task);
    };
    LinuxResult<> slept;
    for (;;) {
        set_awaited(wanted);  // before looking, so that what comes in between wakes the sleep
        auto info = take_pending(wanted);
        if (info.has_value() || !slept.has_value()) {
            set_awaited({});
            if (!info.has_value())
                return fail(slept.error() == Errno::etimedout ? Errno::eagain : Errno::eintr);
            if (!information.is_null())
                LTRY(write_guest(information, *info));
            return static_cast<std::uint64_t>(info->number);
        }
        // An awaited signal sets the work bit although it is blocked; that alone is no interruption.
        task.work.fetch_and(~task_work::signal, std::memory_order_acq_rel);
        task.set_blocked(task.blocked());
        slept = sleep_task(deadline);
    }
}

LinuxResult<std::uint64_t> sys_sigaltstack(Task& task, GuestAddress stack, GuestAddress old) {
    constexpr std::int32_t on_stack = 1, disable = 2, auto_disarm = static_cast<std::int32_t>(0x8000'0000u);
    auto& present = task.alternate_stack;
    auto const stack_now = stack_pointer(task.state());
    bool is_active =
        (present.flags & disable) == 0 && stack_now > present.base && stack_now - present.base <= present.size;
    StackDescription former{
        .base = present.base, .flags = present.flags | (is_active ? on_stack : 0), .size = present.size};
    if (!stack.is_null()) {
        auto given = LTRY(read_guest<StackDescription>(stack));
        auto mode = given.flags & ~auto_disarm;
        if (is_active)
            return fail(Errno::eperm);
        if (mode != 0 && mode != on_stack && mode != disable)
            return fail(Errno::einval);
        if (mode == disable) {
            present = {};
        } else {
            if (given.size < machine::smallest_signal_stack)
                return fail(Errno::enomem);
            present = {.base = given.base, .flags = given.flags & auto_disarm, .size = given.size};
        }
    }
    if (!old.is_null())
        LTRY(write_guest(old, former));
    return 0;
}

LinuxResult<std::uint64_t> sys_rt_sigreturn(Task& task) {
    return_from_signal(task);
    // The interrupted code may have been anywhere, not just in a system call, which costs it some registers on some
    // machines: every one must be loaded.
    task.state().exit = abi::RestrictedExit::kick;
    return call_result(task.state());
}

}  // namespace astrata::linux_abi
