// Futexes that lend priority (futex(2), FUTEX_LOCK_PI): while others wait for a lock, its owner is as urgent as the
// most urgent of them, and so is whoever the owner waits for in turn. The word holds the owner's task id, so that only
// contended locks come here.
#pragma once

#include <cstdint>

#include "lib/base/units.h"
#include "strates/linux/core/errno.h"
#include "strates/linux/core/guest_memory.h"
#include "strates/linux/core/task.h"

namespace astrata::linux_abi {

/// Takes the lock, waits for it until `deadline`.
/// errors    edeadlock (the caller has it, or its owner waits for the caller), esrch (no such owner), etimedout, erestartsys, efault,
///           einval, enomem
LinuxResult<> lock_priority_futex(GuestAddress word, bool is_private, MonotonicNs deadline);
/// errors    eagain (somebody has it), edeadlock, efault, einval
LinuxResult<> try_lock_priority_futex(GuestAddress word, bool is_private);
/// Hands the lock to the most urgent that waits.
/// errors    eperm (the caller does not have it), efault, einval
LinuxResult<> unlock_priority_futex(GuestAddress word, bool is_private);

/// At the task's end, while its memory is there: what others wait for goes on to them, marked as left by a dead owner.
void leave_priority_locks(Task& task);
/// The task's own priority has changed: so may that of those it waits for.
void lend_anew(Task& task);

}  // namespace astrata::linux_abi
