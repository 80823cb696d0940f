// The system calls that carry messages in registers, between the C calling convention and abi::Message (abi/message.h).
// In registers: x0 to x7 are the eight message words, x9 is the handle, x10 the info, x11 the deadline and then the badge, x12 the
// source and then the key; the status comes back in x8.
#include "abi/system_call_numbers.h"
#include "machine/enter_kernel.h"

.set MESSAGE_INFO, 0
.set MESSAGE_WORDS, 8
.set MESSAGE_BADGE, 72
.set MESSAGE_KEY, 80
.set MESSAGE_REPLY, 88

// From the message at x1.
.macro LOAD_WORDS
    ldr x10, [x1, #MESSAGE_INFO]
    ldp x2, x3, [x1, #MESSAGE_WORDS + 16]
    ldp x4, x5, [x1, #MESSAGE_WORDS + 32]
    ldp x6, x7, [x1, #MESSAGE_WORDS + 48]
    ldp x0, x1, [x1, #MESSAGE_WORDS]
.endm

// To the message at x13.
.macro STORE_WORDS
    str x10, [x13, #MESSAGE_INFO]
    stp x0, x1, [x13, #MESSAGE_WORDS]
    stp x2, x3, [x13, #MESSAGE_WORDS + 16]
    stp x4, x5, [x13, #MESSAGE_WORDS + 32]
    stp x6, x7, [x13, #MESSAGE_WORDS + 48]
.endm

.macro FUNCTION name
    .section .text.\name, "ax", @progbits
    .balign 16
    .global \name
    .type \name, @function
\name:
    bti c
.endm

// std::uint64_t astrata_endpoint_call(Handle endpoint, Message* message, std::uint64_t deadline)
FUNCTION astrata_endpoint_call
    stp x1, x30, [sp, #-16]!
    mov x9, x0
    mov x11, x2
    LOAD_WORDS
    mov x8, #ASTRATA_SYSTEM_CALL_ENDPOINT_CALL
    ENTER_KERNEL
    ldp x13, x30, [sp], #16
    cbnz x8, 1f
    STORE_WORDS
1:  mov x0, x8
    ret

// std::uint64_t astrata_endpoint_reply(Handle reply, Message const* message)
FUNCTION astrata_endpoint_reply
    stp x1, x30, [sp, #-16]!
    mov x9, x0
    LOAD_WORDS
    mov x8, #ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY
    ENTER_KERNEL
    ldp x13, x30, [sp], #16
    mov x0, x8
    ret

// std::uint64_t astrata_reply_and_wait(Handle reply, Message* message, Handle source, std::uint64_t deadline)
FUNCTION astrata_reply_and_wait
    stp x1, x30, [sp, #-16]!
    mov x9, x0
    mov x11, x3
    mov x12, x2
    LOAD_WORDS
    mov x8, #ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
    ENTER_KERNEL
    ldp x13, x30, [sp], #16
    cbnz x8, 1f
    STORE_WORDS
    stp x11, x12, [x13, #MESSAGE_BADGE]
    str x9, [x13, #MESSAGE_REPLY]
1:  mov x0, x8
    ret
