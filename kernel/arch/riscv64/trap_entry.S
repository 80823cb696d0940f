# Where all traps come (stvec, direct mode; privileged architecture, section 4.1.2): exceptions, interrupts and the native
# code's and foreign code's system calls. sscratch holds the address of this CPU's data while user code runs, else 0.
#
# Budget: a system call of foreign code, entry and exit, 90 instructions; one of native code 60.

#include "abi/system_call_numbers.h"
#include "kernel/arch/riscv64/entry_offsets.inc"

.set LAST_FAST_CALL, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
.if ASTRATA_SYSTEM_CALL_ENDPOINT_CALL != 0 || LAST_FAST_CALL != 1
.error "the fast path's calls must be numbers 0 and 1"
.endif

.macro STORE_MESSAGE_WORDS
    .irp number, 2, 3, 4, 5, 6, 7, 8, 9
    sd s\number, REGISTER_S\number(sp)
    .endr
.endm

.section .text.hot, "ax"
.align 4
.global trap_entry
trap_entry:
    csrrw tp, sscratch, tp
    beqz tp, trap_in_kernel_mode
    sd sp, CPU_INTERRUPTED_STACK(tp)
    ld sp, CPU_RESTRICTED(tp)
    bnez sp, trap_in_restricted_mode
    ld sp, CPU_KERNEL_STACK(tp)
    addi sp, sp, -FRAME_SIZE
    sd t0, REGISTER_T0(sp)
    csrr t0, scause
    addi t0, t0, -USER_CALL
    beqz t0, native_call
    sd t1, REGISTER_T1(sp)
# The trap was in user mode; sp is the frame, which has t0 and t1 already.
.global trap_in_user_mode
trap_in_user_mode:
    csrr t0, sscratch
    csrw sscratch, zero
    ld t1, CPU_INTERRUPTED_STACK(tp)
    sd t0, REGISTER_TP(sp)
    sd t1, REGISTER_SP(sp)
trap_on_stack:
    sd a0, REGISTER_A0(sp)
    STORE_REGISTERS sp, but_t0_t1
    csrr t0, sepc
    csrr t1, sstatus
    csrr t2, scause
    csrr a0, stval
    sd t0, REGISTER_PC(sp)
    sd t1, FRAME_STATUS(sp)
    sd t2, FRAME_CAUSE(sp)
    sd a0, FRAME_ADDRESS(sp)
    li t0, USER_MEMORY
    csrc sstatus, t0                # code that forgot to forbid it must not profit
    mv a0, sp
    li s0, 0
    call trap_dispatch              # comes back with interrupts off
.global trap_return
trap_return:
    ld t0, FRAME_STATUS(sp)
    ld t1, REGISTER_PC(sp)
    csrw sepc, t1
    andi t2, t0, PREVIOUS_SUPERVISOR
    bnez t2, 1f
    li t1, PREVIOUS_SUPERVISOR
    csrc sstatus, t1
    csrw sscratch, tp
    LOAD_REGISTERS sp
    ld a0, REGISTER_A0(sp)
    ld tp, REGISTER_TP(sp)
    ld sp, REGISTER_SP(sp)
    sret
    # To the kernel, perhaps on another CPU than before: tp stays. Only these bits are the frame's; FS and VS are the
    # thread's, whatever stack this is.
1:  li t1, PREVIOUS_SUPERVISOR | PREVIOUS_INTERRUPTS | USER_MEMORY
    and t0, t0, t1
    csrc sstatus, t1
    csrs sstatus, t0
    LOAD_REGISTERS sp
    ld a0, REGISTER_A0(sp)
    ld sp, REGISTER_SP(sp)
    sret

# The stacks of hosted code end where its process made them end. What follows has the thread's kernel stack, where nothing
# is meanwhile; so has what follows on anything that hosted code did to its stack pointer.
.set HOSTED_LENGTH_SHIFT, 43        # layout::hosted_length
trap_in_kernel_mode:
    csrrw tp, sscratch, tp
    sd sp, CPU_INTERRUPTED_STACK(tp)
    sd t0, CPU_FIRST_SCRATCH(tp)
    sd t1, CPU_SECOND_SCRATCH(tp)
    ld t0, hosted_start_address
    sub t1, sp, t0
    srli t1, t1, HOSTED_LENGTH_SHIFT
    beqz t1, 1f
    csrr t1, sepc
    sub t0, t1, t0
    srli t0, t0, HOSTED_LENGTH_SHIFT
    beqz t0, 1f
    la t0, trap_probe
    beq t0, t1, trap_without_stack
    sd t1, CPU_TRAPPED_AT(tp)
trap_probe:
    sd zero, -FRAME_SIZE(sp)
    j 2f
1:  ld sp, CPU_KERNEL_STACK(tp)
2:  addi sp, sp, -FRAME_SIZE
    ld t0, CPU_FIRST_SCRATCH(tp)
    ld t1, CPU_SECOND_SCRATCH(tp)
    sd t0, REGISTER_T0(sp)
    sd t1, REGISTER_T1(sp)
    ld t0, CPU_INTERRUPTED_STACK(tp)
    sd t0, REGISTER_SP(sp)
    sd tp, REGISTER_TP(sp)
    j trap_on_stack

# Another fault, where the one before was to be stored: below a kernel stack lies nothing.
trap_without_stack:
    ld t0, CPU_INTERRUPTED_STACK(tp)
    ld sp, CPU_EMERGENCY_STACK(tp)
    addi sp, sp, -FRAME_SIZE
    sd t0, REGISTER_SP(sp)
    sd a0, REGISTER_A0(sp)
    STORE_REGISTERS sp
    ld t0, CPU_TRAPPED_AT(tp)
    csrr t1, stval
    sd t0, REGISTER_PC(sp)
    sd t1, FRAME_ADDRESS(sp)
    mv a0, sp
    call kernel_stack_exhausted

# Native code called. Registers that C preserves keep their values, and t0 to t6 are lost.
.align 4
native_call:
    sd ra, REGISTER_RA(sp)
    sd gp, REGISTER_GP(sp)
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    sd a\number, REGISTER_A\number(sp)
    .endr
    csrr t0, sscratch
    csrw sscratch, zero
    ld t1, CPU_INTERRUPTED_STACK(tp)
    sd t0, REGISTER_TP(sp)
    csrr t2, sepc
    sd t1, REGISTER_SP(sp)
    addi t2, t2, 4                  # behind the instruction
    sd t2, REGISTER_PC(sp)
    sltiu t0, a7, LAST_FAST_CALL + 1
    bnez t0, native_message_call
    addi t0, a7, -ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY
    beqz t0, 2f
1:  mv a0, sp
    call syscall_dispatch           # comes back with interrupts off
    ld a0, REGISTER_A7(sp)          # the status
    .irp number, 1, 2, 3, 4, 5, 6, 7
    ld a\number, REGISTER_A\number(sp)
    .endr
    ld ra, REGISTER_RA(sp)
    ld gp, REGISTER_GP(sp)
native_exit:
    ld t0, REGISTER_PC(sp)
    csrw sepc, t0
    li t0, PREVIOUS_SUPERVISOR
    csrc sstatus, t0
    csrw sscratch, tp
    ld tp, REGISTER_TP(sp)
    ld sp, REGISTER_SP(sp)
    .irp number, 0, 1, 2, 3, 4, 5, 6
    li t\number, 0                  # kernel addresses are nobody's business
    .endr
    sret
2:  STORE_MESSAGE_WORDS
    j 1b

# endpoint_call (0) and reply_and_wait (1): the frame has everything that survives the call, and the message.
native_message_call:
    STORE_MESSAGE_WORDS
    sd s0, REGISTER_S0(sp)
    sd s1, REGISTER_S1(sp)
    sd s10, REGISTER_S10(sp)
    sd s11, REGISTER_S11(sp)
    li s0, 0
    # Where switch_stacks finds the way back of a thread that the fast path has parked: below the frame, as on any stack that
    # it has left.
    la t0, message_resumed_entry
    sd t0, -SWITCH_SIZE + SWITCH_RA(sp)
    mv a0, sp
    mv s1, a7
    addi sp, sp, -16
    bnez s1, 1f
    ld t0, fast_call_now
    j 2f
1:  ld t0, fast_reply_now
2:  jalr t0
    addi sp, sp, 16
    beqz a0, message_not_switched
    # This stack is left for another thread's, whose frame lies at the top of its own; the message stays in the registers.
    .irp number, 2, 3, 4, 5, 6, 7, 8, 9
    ld s\number, REGISTER_S\number(sp)
    .endr
    ld a1, REGISTER_A1(sp)
    ld t1, CPU_KERNEL_STACK(tp)
    addi sp, t1, -FRAME_SIZE
    fence rw, w
    sb zero, (a0)                   # nothing is on the old stack any more
    ld a0, REGISTER_A0(sp)
    ld a2, REGISTER_A2(sp)
    ld a3, REGISTER_A3(sp)
    ld ra, REGISTER_RA(sp)
    ld gp, REGISTER_GP(sp)
    ld s0, REGISTER_S0(sp)
    ld s1, REGISTER_S1(sp)
    ld s10, REGISTER_S10(sp)
    ld s11, REGISTER_S11(sp)
    li a4, 0
    li a5, 0
    li a6, 0
    li a7, 0                        # the status
    j native_exit

message_not_switched:
    mv a0, sp
    call message_dispatch
    j message_exit

# Parked in the fast path, woken by the scheduler. Interrupts are off.
message_resumed_entry:
    mv a0, sp
    ld a1, REGISTER_A7(sp)
    li s0, 0
    call message_resumed
message_exit:
    ld a0, REGISTER_A0(sp)
    LOAD_REGISTERS sp
    j native_exit
