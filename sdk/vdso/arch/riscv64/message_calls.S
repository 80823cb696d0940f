// The system calls that carry messages in registers, between the C calling convention and abi::Message (abi/message.h).
// In registers: s2 to s9 are the eight message words, a0 is the handle, a1 the info, a2 the deadline and then the badge, a3 the
// source and then the key; the status comes back in a7.
#include "abi/system_call_numbers.h"
#include "machine/enter_kernel.h"

.set MESSAGE_INFO, 0
.set MESSAGE_WORDS, 8
.set MESSAGE_BADGE, 72
.set MESSAGE_KEY, 80
.set MESSAGE_REPLY, 88
.set FRAME_BYTES, 80

// The message's address stays at the top of the frame.
.macro SAVE_REGISTERS
    addi sp, sp, -FRAME_BYTES
    sd s2, 0(sp)
    sd s3, 8(sp)
    sd s4, 16(sp)
    sd s5, 24(sp)
    sd s6, 32(sp)
    sd s7, 40(sp)
    sd s8, 48(sp)
    sd s9, 56(sp)
    sd ra, 64(sp)
    sd a1, 72(sp)
.endm

.macro RETURN_STATUS
    ld s2, 0(sp)
    ld s3, 8(sp)
    ld s4, 16(sp)
    ld s5, 24(sp)
    ld s6, 32(sp)
    ld s7, 40(sp)
    ld s8, 48(sp)
    ld s9, 56(sp)
    ld ra, 64(sp)
    addi sp, sp, FRAME_BYTES
    mv a0, a7
    ret
.endm

// From the message at a1.
.macro LOAD_WORDS
    ld s2, MESSAGE_WORDS + 0(a1)
    ld s3, MESSAGE_WORDS + 8(a1)
    ld s4, MESSAGE_WORDS + 16(a1)
    ld s5, MESSAGE_WORDS + 24(a1)
    ld s6, MESSAGE_WORDS + 32(a1)
    ld s7, MESSAGE_WORDS + 40(a1)
    ld s8, MESSAGE_WORDS + 48(a1)
    ld s9, MESSAGE_WORDS + 56(a1)
    ld a1, MESSAGE_INFO(a1)
.endm

// To the message, whose address t1 has afterwards.
.macro STORE_WORDS
    ld t1, 72(sp)
    sd a1, MESSAGE_INFO(t1)
    sd s2, MESSAGE_WORDS + 0(t1)
    sd s3, MESSAGE_WORDS + 8(t1)
    sd s4, MESSAGE_WORDS + 16(t1)
    sd s5, MESSAGE_WORDS + 24(t1)
    sd s6, MESSAGE_WORDS + 32(t1)
    sd s7, MESSAGE_WORDS + 40(t1)
    sd s8, MESSAGE_WORDS + 48(t1)
    sd s9, MESSAGE_WORDS + 56(t1)
.endm

.macro FUNCTION name
    .section .text.\name, "ax", @progbits
    .balign 16
    .global \name
    .type \name, @function
\name:
.endm

// std::uint64_t astrata_endpoint_call(Handle endpoint, Message* message, std::uint64_t deadline)
FUNCTION astrata_endpoint_call
    SAVE_REGISTERS
    LOAD_WORDS
    li a7, ASTRATA_SYSTEM_CALL_ENDPOINT_CALL
    ENTER_KERNEL
    bnez a7, 1f
    STORE_WORDS
1:  RETURN_STATUS

// std::uint64_t astrata_endpoint_reply(Handle reply, Message const* message)
FUNCTION astrata_endpoint_reply
    SAVE_REGISTERS
    LOAD_WORDS
    li a7, ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY
    ENTER_KERNEL
    RETURN_STATUS

// std::uint64_t astrata_reply_and_wait(Handle reply, Message* message, Handle source, std::uint64_t deadline)
FUNCTION astrata_reply_and_wait
    SAVE_REGISTERS
    mv t0, a2
    mv a2, a3
    mv a3, t0
    LOAD_WORDS
    li a7, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
    ENTER_KERNEL
    bnez a7, 1f
    STORE_WORDS
    sd a2, MESSAGE_BADGE(t1)
    sd a3, MESSAGE_KEY(t1)
    sd a0, MESSAGE_REPLY(t1)
1:  RETURN_STATUS
