#include "strates/linux/signal/send.h"

namespace astrata::linux_abi {
namespace {

// A task that does not hold the signal back; the process's first one if it can take it.
Task* choose_task(Process& process, Signal signal) REQUIRES(process.signal_mutex) {
    for (auto& task : process.tasks) {
        if (!task.blocked().contains(signal) || task.awaited.contains(signal))
            return &task;
    }
    return nullptr;
}

// Whether nobody would ever notice it. A blocked signal may find another action when it is unblocked.
bool has_no_effect(Process& process, Task* task, Signal signal) REQUIRES(process.signal_mutex) {
    if (!process.actions->is_ignored(signal))
        return false;
    if (task != nullptr)
        return !task->blocked().contains(signal) && !task->awaited.contains(signal);
    for (auto& other : process.tasks) {
        if (other.blocked().contains(signal) || other.awaited.contains(signal))
            return false;
    }
    return true;
}

void resume_locked(Process& process) REQUIRES(process.signal_mutex) {
    process.pending.discard(stop_signals);
    for (auto& task : process.tasks) {
        task.pending.discard(stop_signals);
        task.is_stop_due = false;
    }
    if (process.is_stopped) {
        process.is_stopped = false;
        process.has_continue_notice = true;
        process.stop_queue.wake_all();
    }
}

LinuxResult<> send_locked(Process& process, Task* task, SignalInfo const& info) REQUIRES(process.signal_mutex) {
    auto signal = info.signal();
    if (process.task_count == 0 || process.is_init())
        return {};
    if (signal == Signal::sigkill) {
        begin_group_exit_locked(process, WaitStatus::killed(Signal::sigkill, false));
        return {};
    }
    if (signal == Signal::sigcont)
        resume_locked(process);
    if (stop_signals.contains(signal)) {
        process.pending.discard(SignalSet::of(Signal::sigcont));
        for (auto& other : process.tasks)
            other.pending.discard(SignalSet::of(Signal::sigcont));
    }
    if (has_no_effect(process, task, signal))
        return {};
    auto& queue = task != nullptr ? task->pending : process.pending;
    bool must_queue = info.code == signal_code::queue || info.code == signal_code::timer;
    auto const limit = is_real_time(signal) ? process.limits.soft(LimitKind::pending_signals) : unlimited;
    LTRY(queue.add(info, must_queue, limit));
    auto* taker = task != nullptr ? task : choose_task(process, signal);
    if (taker != nullptr && (!taker->blocked().contains(signal) || taker->awaited.contains(signal)))
        taker->interrupt(task_work::signal);
    process.signal_arrivals.wake_all();
    return {};
}

}  // namespace

void begin_group_exit_locked(Process& process, WaitStatus status) {
    if (!process.is_exiting) {
        process.is_exiting = true;
        process.group_status = status;
    }
    process.is_stopped = false;
    for (auto& task : process.tasks)
        task.interrupt(task_work::exit);
    process.stop_queue.wake_all();
}

void interrupt_takers_locked(Process& process, Task const& giver) {
    auto const pending = process.pending.set();
    if (pending.is_empty())
        return;
    for (auto& other : process.tasks) {
        if (&other != &giver && !(pending & (~other.blocked() | other.awaited)).is_empty())
            other.interrupt(task_work::signal);
    }
}

LinuxResult<> send_to_process(Process& process, SignalInfo const& info) {
    Lock lock(process.signal_mutex);
    return send_locked(process, nullptr, info);
}

LinuxResult<> send_to_task(Task& task, SignalInfo const& info) {
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    return send_locked(process, &task, info);
}

bool send_to_group_locked(ProcessGroup const& group, SignalInfo const& info) {
    bool is_found = false;
    process_table().for_each_in_group(group, [&](Process& process) {
        is_found = true;
        static_cast<void>(send_to_process(process, info));
    });
    return is_found;
}

bool send_to_group(ProcessId group, SignalInfo const& info) {
    Lock lock(process_table().mutex);
    auto* found = process_table().find_group(group);
    return found != nullptr && send_to_group_locked(*found, info);
}

void send_to_current(Signal signal) {
    // Without memory for its information the signal itself still arrives.
    static_cast<void>(
        send_to_task(current_task(), SignalInfo::from_process(signal, signal_code::user, current_process().id,
                                                              current_task().credentials().uid)));
}

void force_signal(SignalInfo const& info) {
    auto& task = current_task();
    auto& process = task.process();
    auto signal = info.signal();
    auto blocked = task.blocked();
    auto action = process.actions->get(signal);
    if (blocked.contains(signal) || action.is_ignore()) {
        process.actions->set(signal, {});
        blocked.remove(signal);
        task.set_blocked(blocked);
    }
    static_cast<void>(send_to_task(task, info));
}

bool is_blocked_or_ignored(Signal signal) {
    return current_task().blocked().contains(signal) || current_process().actions->get(signal).is_ignore();
}

LinuxResult<> signal_background_access(Signal signal) {
    if (is_blocked_or_ignored(signal)) {
        if (signal == Signal::sigttin)
            return fail(Errno::eio);
        return {};
    }
    Lock lock(process_table().mutex);
    auto const& group = *current_process().group;
    if (process_table().is_orphaned(group))
        return fail(Errno::eio);
    send_to_group_locked(group, SignalInfo::from_kernel(signal));
    return fail(Errno::erestartsys);
}

void set_temporary_mask(SignalSet mask) {
    auto& task = current_task();
    if ((task.work.load(std::memory_order_relaxed) & task_work::restore_mask) == 0)
        task.saved_mask = task.blocked();
    task.work.fetch_or(task_work::restore_mask, std::memory_order_relaxed);
    task.set_blocked(mask);
}

std::optional<SignalInfo> take_pending(SignalSet wanted) {
    auto& task = current_task();
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    SignalInfo info;
    if (!task.pending.take(wanted, info) && !process.pending.take(wanted, info))
        return std::nullopt;
    return info;
}

SignalSet pending_signals() {
    auto& task = current_task();
    auto& process = task.process();
    Lock lock(process.signal_mutex);
    return task.pending.set() | process.pending.set();
}

}  // namespace astrata::linux_abi
