// Threads that have ended cannot free the stack they stand on; a kernel thread does it for them.
#pragma once

#include "kernel/mem/account.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class Thread;

Result<> start_reaper(Account& account);
/// The thread will not run again. From the scheduler, interrupts off.
void hand_to_reaper(Thread& thread);

}  // namespace astrata::kernel
