// The system calls that work on the register frame itself: call, reply, reply and wait. The short way of the common
// case is fast_path.h; these are the long way, which does everything.
#pragma once

#include "arch/trap_frame.h"

namespace astrata::kernel {

class Thread;

/// Words 0-7 in the frame's message registers, the rest as TrapFrame names it. Results go into the same registers; the
/// status is 0 or an error.
void call_endpoint(Thread& caller, arch::TrapFrame& frame);
void reply_only(Thread& caller, arch::TrapFrame& frame);
void reply_and_wait(Thread& caller, arch::TrapFrame& frame);
/// endpoint_call or reply_and_wait, by the number.
void message_call_by_hosted(Thread& caller, arch::TrapFrame& frame);

}  // namespace astrata::kernel
