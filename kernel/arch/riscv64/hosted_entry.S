# Native code that is hosted in the kernel calls here instead of executing ecall, with the same registers; ra is the way back,
# and is lost. The stack stays, and so does the mode. tp is this CPU's data already.
# Budget: 35 instructions with the way back.

#include "abi/system_call_numbers.h"
#include "kernel/arch/riscv64/entry_offsets.inc"

.set LAST_FAST_CALL, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
.set HOSTED_STACK_ROOM, 16384       # as much as a kernel stack has

# That much is there, or Bedrock would run off the stack with its locks held.
.macro NEED_ROOM recovery
    li t0, -HOSTED_STACK_ROOM
    add t0, sp, t0
99: lb zero, (t0)
    .pushsection __exception_table, "a", @progbits
    .quad 99b, \recovery
    .popsection
.endm

.section .text.hot, "ax"
.align 4
.global hosted_entry
hosted_entry:
    NEED_ROOM hosted_entry_without_room
    sltiu t1, a7, LAST_FAST_CALL + 1
    bnez t1, hosted_message_call
    addi t1, a7, -ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY
    beqz t1, hosted_message_call
    addi sp, sp, -FRAME_SIZE
    sd ra, REGISTER_PC(sp)
    .irp number, 0, 1, 2, 3, 4, 5, 7
    sd a\number, REGISTER_A\number(sp)
    .endr
    mv a0, sp
    call hosted_dispatch
    ld a0, REGISTER_A7(sp)          # the status
    ld a1, REGISTER_A1(sp)
    ld a2, REGISTER_A2(sp)
    ld a3, REGISTER_A3(sp)
    ld ra, REGISTER_PC(sp)
    addi sp, sp, FRAME_SIZE
    ret

# As if there had been a trap: what is neither message nor preserved by C is not looked at.
hosted_message_call:
    addi sp, sp, -FRAME_SIZE
    sd ra, REGISTER_PC(sp)
    .irp number, 0, 1, 2, 3, 7
    sd a\number, REGISTER_A\number(sp)
    .endr
    .irp number, 2, 3, 4, 5, 6, 7, 8, 9
    sd s\number, REGISTER_S\number(sp)
    .endr
    mv a0, sp
    call hosted_message_dispatch
    .irp number, 2, 3, 4, 5, 6, 7, 8, 9
    ld s\number, REGISTER_S\number(sp)
    .endr
    .irp number, 0, 1, 2, 3, 7
    ld a\number, REGISTER_A\number(sp)
    .endr
    ld ra, REGISTER_PC(sp)
    addi sp, sp, FRAME_SIZE
    ret

# The calls that have an entry of their own are C functions from here on.
.macro DIRECT_ENTRY name, function
.align 4
.global \name
\name:
    NEED_ROOM hosted_entry_without_room
    tail \function
.endm
DIRECT_ENTRY hosted_park_entry, hosted_thread_park
DIRECT_ENTRY hosted_unpark_entry, hosted_thread_unpark
DIRECT_ENTRY hosted_map_anonymous_entry, hosted_map_anonymous
DIRECT_ENTRY hosted_unmap_entry, hosted_unmap
DIRECT_ENTRY hosted_protect_entry, hosted_protect
DIRECT_ENTRY hosted_read_entry, hosted_read

# On the thread's kernel stack, which nothing is on.
hosted_entry_without_room:
    csrci sstatus, INTERRUPTS
    mv a1, t0                       # the address
    mv t1, sp
    ld sp, CPU_KERNEL_STACK(tp)
    addi sp, sp, -FRAME_SIZE
    sd t1, REGISTER_SP(sp)
    sd a0, REGISTER_A0(sp)
    STORE_REGISTERS sp
    sd ra, REGISTER_PC(sp)
    li t1, PREVIOUS_SUPERVISOR
    sd t1, FRAME_STATUS(sp)
    mv a0, sp
    li s0, 0
    call hosted_stack_exhausted

# void enter_hosted(entry, stack, argument0, argument1, argument2): the first instruction of a hosted thread, on its own stack,
# with interrupts on.
.global enter_hosted
enter_hosted:
    mv t0, a0
    mv sp, a1
    mv a0, a2
    mv a1, a3
    mv a2, a4
    li s0, 0
    li ra, 0
    csrsi sstatus, INTERRUPTS
    jr t0
