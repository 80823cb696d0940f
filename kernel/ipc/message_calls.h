// The three system calls that carry messages in registers (abi/message.h). They work on the caller's frame directly.
#pragma once

#include "arch/trap_frame.h"

namespace astrata::kernel {

class Thread;

/// rdi endpoint, rsi info, rdx deadline, words -> rax status, rsi info, words
void call_endpoint(Thread& caller, arch::TrapFrame& frame);
/// rdi reply, rsi info, words -> rax status
void reply_only(Thread& caller, arch::TrapFrame& frame);
/// rdi reply or 0, rsi info, rdx deadline, rbp source, words -> rax status, rdi reply, rsi info, rdx badge, rbp key, words
void reply_and_wait(Thread& caller, arch::TrapFrame& frame);

}  // namespace astrata::kernel
