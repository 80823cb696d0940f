#include "strates/linux/signal/stop.h"

#include "strates/linux/personality/job.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/signal/send.h"

namespace astrata::linux_abi {
namespace {

void tell_parent(Process& process, std::int32_t code, std::int32_t status) REQUIRES(process_table().mutex) {
    auto* parent = process.parent;
    if (parent == nullptr)
        return;
    parent->child_events.wake_all();
    auto action = parent->actions->get(Signal::sigchld);
    if ((action.flags & action_flag::no_child_stop) == 0)
        static_cast<void>(send_to_process(*parent, SignalInfo::from_child(code, process.id, 0, status, 0, 0)));
}

}  // namespace

void stop_process(Task& task, Signal signal) {
    auto& process = task.process();
    Lock table(process_table().mutex);
    if (signal != Signal::sigstop && process_table().is_orphaned(*process.group))
        return;
    {
        Lock lock(process.signal_mutex);
        // SIGCONT or the end may have come between taking the signal and here.
        if (process.is_exiting || process.is_stopped || !task.is_stop_due)
            return;
        process.is_stopped = true;
        process.has_continue_notice = false;
        for (auto& other : process.tasks)
            other.interrupt(task_work::stop);
    }
    process.stop_status = WaitStatus::stopped(signal);
    process.has_stop_report = true;
    process.has_continue_report = false;
    tell_parent(process, signal_code::child_stopped, static_cast<std::int32_t>(signal));
    if (process.job)
        process.job->on_stopped(signal);
}

void wait_while_stopped(Task& task) {
    auto& process = task.process();
    {
        Lock lock(process.signal_mutex);
        while (process.is_stopped && !task.is_dying())
            static_cast<void>(wait(process.stop_queue, process.signal_mutex, never, WaitMode::stopped));
        task.work.fetch_and(~task_work::stop, std::memory_order_relaxed);
        if (!process.has_continue_notice || task.is_dying())
            return;
    }
    Lock table(process_table().mutex);
    {
        // Another task may have told the parent by now, or another stop begun, whose report must stay.
        Lock lock(process.signal_mutex);
        if (!process.has_continue_notice)
            return;
        process.has_continue_notice = false;
    }
    process.has_stop_report = false;
    process.has_continue_report = true;
    if (process.job)
        process.job->on_continued();
    tell_parent(process, signal_code::child_continued, static_cast<std::int32_t>(Signal::sigcont));
}

}  // namespace astrata::linux_abi
