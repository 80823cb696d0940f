// Threads that have ended cannot free the stack they stand on, and an address space that nobody else uses any more cannot be
// taken apart in the context switch that leaves it; a kernel thread does it for them.
#pragma once

#include "kernel/mem/account.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class AddressSpace;
class Thread;

Result<> start_reaper(Account& account);
/// The thread will not run again. From the scheduler, interrupts off.
void hand_to_reaper(Thread& thread);
/// The last reference to a space, whose destruction takes locks that other CPUs may hold while they wait for this one. From the
/// scheduler, interrupts off.
void hand_to_reaper(AddressSpace& space);

}  // namespace astrata::kernel
