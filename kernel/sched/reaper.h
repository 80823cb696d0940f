// Threads that have ended cannot free the stack they stand on, and an object that nobody else uses any more cannot be taken
// apart in the middle of a context switch or of a message; a kernel thread does it for them.
#pragma once

#include "kernel/mem/account.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class KernelObject;
class Thread;

Result<> start_reaper(Account& account);
/// The thread will not run again. From the scheduler, interrupts off.
void hand_to_reaper(Thread& thread);
/// The last reference to an object, whose destruction takes locks that the caller holds, or that other CPUs may hold while
/// they wait for this one. From any context.
void hand_to_reaper(KernelObject& object);

}  // namespace astrata::kernel
