// Sending signals, for the whole personality. Sending never blocks for long and never fails for lack of memory, except
// where a queued real-time signal's sender must be told.
#pragma once

#include <optional>

#include "strates/linux/process/process.h"
#include "strates/linux/process/process_table.h"

namespace astrata::linux_abi {

/// To the process as a whole; the caller keeps the process alive (holds a reference or the table's lock).
/// errors    eagain (real-time signal, its queue is full, and info.code says it was queued)
LinuxResult<> send_to_process(Process& process, SignalInfo const& info);
/// To one task.
LinuxResult<> send_to_task(Task& task, SignalInfo const& info);
/// To each member of the group `group`, without permission checks: for terminals and job control. False if the group
/// has no members.
bool send_to_group(ProcessId group, SignalInfo const& info);
/// As above with the table already locked.
bool send_to_group_locked(ProcessGroup const& group, SignalInfo const& info) REQUIRES(process_table().mutex);
/// A fault of the calling task itself: cannot be held back. If the signal is blocked or ignored, the task dies of it.
void force_signal(SignalInfo const& info);
/// SIGPIPE and SIGXFSZ, which a call causes to its own task.
void send_to_current(Signal signal);

/// For terminals: what reading (or with SIGTTOU, writing) in the background does to the calling task.
/// Returns eio when the group is orphaned or the signal is blocked or ignored (for sigttin), erestartsys after sending
/// the signal to the whole group; success means that the call may go on (sigttou blocked or ignored).
[[nodiscard]] LinuxResult<> signal_background_access(Signal signal);

/// Whether a signal is blocked or ignored by the calling task.
[[nodiscard]] bool is_blocked_or_ignored(Signal signal);

/// pselect6, ppoll, epoll_pwait, rt_sigsuspend: replaces the mask for the duration of the call. It comes back by itself
/// before the program goes on, after a handler, if one is due, has been set up with the temporary mask.
void set_temporary_mask(SignalSet mask);

/// Takes a pending signal among `wanted` from the calling task or its process, whether blocked or not: signalfd,
/// rt_sigtimedwait.
[[nodiscard]] std::optional<SignalInfo> take_pending(SignalSet wanted);
/// What is pending for the calling task, its process's signals included.
[[nodiscard]] SignalSet pending_signals();

/// Makes every task of the process end soon; the first status wins.
void begin_group_exit_locked(Process& process, WaitStatus status) REQUIRES(process.signal_mutex);
/// What was sent to the process as a whole may have been left to `giver`, which does not take it any more: tells the
/// other tasks that can.
void interrupt_takers_locked(Process& process, Task const& giver) REQUIRES(process.signal_mutex);

}  // namespace astrata::linux_abi
