// Native code that is hosted in the kernel calls here instead of executing the instruction; registers as for `svc` (syscall_entry.S), and
// x30 says where to go on. The stack stays, and so does the mode: EL1 on SP_EL0. What is called preserves the registers that C preserves,
// so the frame needs no more than arguments, which are also where results go, and the way back.
// Budget: 30 instructions with the way back.

#include "abi/system_call_numbers.h"
#include "kernel/arch/aarch64/frame_registers.inc"

.set LAST_FAST_CALL, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
.set HOSTED_STACK_ROOM, 16384   // as much as a kernel stack has
.set MODE_HOSTED, 0x4

.macro ON_FAULT label
    .pushsection __exception_table, "a", @progbits
    .balign 8
    .quad 77b, \label
    .popsection
.endm

// Without the room Bedrock would run off the stack with its locks held.
.macro PROBE_STACK
    sub x16, sp, #HOSTED_STACK_ROOM
77: ldrb wzr, [x16]
    ON_FAULT hosted_entry_without_room
.endm

.section .text.hot, "ax"
.balign 16
.global hosted_entry
hosted_entry:
    bti c
    PROBE_STACK
    mov x16, sp
    sub sp, sp, #FRAME_SIZE
    STORE_X0_TO_X7 sp
    str x8, [sp, #FRAME_X8]
    stp x29, x30, [sp, #FRAME_X29]
    str x16, [sp, #FRAME_SP]
    str x30, [sp, #FRAME_ELR]
    add x29, sp, #FRAME_X29
    cmp x8, #LAST_FAST_CALL
    b.ls 1f
    cmp x8, #ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY
    b.eq 1f
    mov x0, sp
    bl hosted_dispatch
    ldr x8, [sp, #FRAME_X8]     // the status
    mov x0, x8
    ldr x1, [sp, #8]
    ldp x2, x3, [sp, #16]
    ldp x29, x30, [sp, #FRAME_X29]
    add sp, sp, #FRAME_SIZE
    ret

1:  str x9, [sp, #FRAME_X9]
    stp x10, x11, [sp, #FRAME_X10]
    str x12, [sp, #FRAME_X12]
    mov x16, #MODE_HOSTED
    str x16, [sp, #FRAME_SPSR]
    mov x0, sp
    bl hosted_message_dispatch
    LOAD_X0_TO_X7 sp
    ldp x8, x9, [sp, #FRAME_X8]
    ldp x10, x11, [sp, #FRAME_X10]
    ldr x12, [sp, #FRAME_X12]
    ldp x29, x30, [sp, #FRAME_X29]
    add sp, sp, #FRAME_SIZE
    ret

// The calls that have an entry of their own are C functions from here on.
.macro DIRECT_ENTRY name, function
.balign 16
.global \name
\name:
    bti c
    PROBE_STACK
    b \function
.endm
DIRECT_ENTRY hosted_park_entry, hosted_thread_park
DIRECT_ENTRY hosted_unpark_entry, hosted_thread_unpark
DIRECT_ENTRY hosted_map_anonymous_entry, hosted_map_anonymous
DIRECT_ENTRY hosted_unmap_entry, hosted_unmap
DIRECT_ENTRY hosted_protect_entry, hosted_protect
DIRECT_ENTRY hosted_read_entry, hosted_read

// The exception table leads here, still on the stack without room.
hosted_entry_without_room:
    msr daifset, #2
    mov x16, sp
    ldr x17, [x18, #CPU_KERNEL_STACK]
    msr spsel, #1
    mov sp, x17
    sub sp, sp, #FRAME_SIZE
    STORE_X0_TO_X7 sp
    stp x8, x9, [sp, #FRAME_X8]
    STORE_X20_TO_X29 sp
    stp x30, x16, [sp, #FRAME_X30]
    mov x17, #MODE_HOSTED
    stp x30, x17, [sp, #FRAME_ELR]
    sub x1, x16, #HOSTED_STACK_ROOM
    mov x0, sp
    mov x29, xzr
    bl hosted_stack_exhausted
    brk #0

// void enter_hosted(entry, stack, argument0, argument1, argument2, kernel_stack): the first instruction of a hosted thread, on its own stack.
.global enter_hosted
enter_hosted:
    bti c
    mov sp, x5
    msr spsel, #0
    mov sp, x1
    mov x16, x0
    mov x0, x2
    mov x1, x3
    mov x2, x4
    mov x29, xzr
    mov x30, xzr
    msr daifclr, #2
    br x16                      // through x16: lands on `bti c`
