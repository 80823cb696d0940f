# The system calls that carry messages in registers, between the C calling convention and abi::Message (abi/message.h).
# In registers: r8 r9 r10 r12 r13 r14 r15 rbx are the eight message words, rsi is the info.
#include "abi/system_call_numbers.h"
#include "machine/enter_kernel.h"

.set MESSAGE_INFO, 0
.set MESSAGE_WORDS, 8
.set MESSAGE_BADGE, 72
.set MESSAGE_KEY, 80
.set MESSAGE_REPLY, 88

.macro SAVE_REGISTERS
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %rsi
.endm

.macro RESTORE_REGISTERS
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
.endm

.macro LOAD_WORDS
    movq MESSAGE_WORDS + 0(%rsi), %r8
    movq MESSAGE_WORDS + 8(%rsi), %r9
    movq MESSAGE_WORDS + 16(%rsi), %r10
    movq MESSAGE_WORDS + 24(%rsi), %r12
    movq MESSAGE_WORDS + 32(%rsi), %r13
    movq MESSAGE_WORDS + 40(%rsi), %r14
    movq MESSAGE_WORDS + 48(%rsi), %r15
    movq MESSAGE_WORDS + 56(%rsi), %rbx
    movq MESSAGE_INFO(%rsi), %rsi
.endm

# To the message at rcx.
.macro STORE_WORDS
    movq %rsi, MESSAGE_INFO(%rcx)
    movq %r8, MESSAGE_WORDS + 0(%rcx)
    movq %r9, MESSAGE_WORDS + 8(%rcx)
    movq %r10, MESSAGE_WORDS + 16(%rcx)
    movq %r12, MESSAGE_WORDS + 24(%rcx)
    movq %r13, MESSAGE_WORDS + 32(%rcx)
    movq %r14, MESSAGE_WORDS + 40(%rcx)
    movq %r15, MESSAGE_WORDS + 48(%rcx)
    movq %rbx, MESSAGE_WORDS + 56(%rcx)
.endm

.macro FUNCTION name
    .section .text.\name, "ax", @progbits
    .align 16
    .global \name
    .type \name, @function
\name:
.endm

# std::uint64_t astrata_endpoint_call(Handle endpoint, Message* message, std::uint64_t deadline)
FUNCTION astrata_endpoint_call
    SAVE_REGISTERS
    LOAD_WORDS
    movl $ASTRATA_SYSTEM_CALL_ENDPOINT_CALL, %eax
    ENTER_KERNEL_INSTRUCTION
    popq %rcx
    testq %rax, %rax
    jnz 1f
    STORE_WORDS
1:  RESTORE_REGISTERS
    ret

# std::uint64_t astrata_endpoint_reply(Handle reply, Message const* message)
FUNCTION astrata_endpoint_reply
    SAVE_REGISTERS
    LOAD_WORDS
    movl $ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY, %eax
    ENTER_KERNEL_INSTRUCTION
    popq %rcx
    RESTORE_REGISTERS
    ret

# std::uint64_t astrata_reply_and_wait(Handle reply, Message* message, Handle source, std::uint64_t deadline)
FUNCTION astrata_reply_and_wait
    SAVE_REGISTERS
    movq %rdx, %rbp
    movq %rcx, %rdx
    LOAD_WORDS
    movl $ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT, %eax
    ENTER_KERNEL_INSTRUCTION
    popq %rcx
    testq %rax, %rax
    jnz 1f
    STORE_WORDS
    movq %rdx, MESSAGE_BADGE(%rcx)
    movq %rbp, MESSAGE_KEY(%rcx)
    movq %rdi, MESSAGE_REPLY(%rcx)
1:  RESTORE_REGISTERS
    ret
