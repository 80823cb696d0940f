# Into foreign code and out of it, and the switch between kernel stacks.

#include "kernel/arch/riscv64/entry_offsets.inc"

# RestrictedStateRiscv64 (abi/types.abi), behind the registers
.set STATE_EXIT, 256

.set EXIT_KICK, 2

.section .text.hot, "ax"

# From trap_entry: tp is this CPU's data, sp the restricted state, which is Bedrock's while foreign code runs.
.align 4
.global trap_in_restricted_mode
trap_in_restricted_mode:
    sd t0, REGISTER_T0(sp)
    csrr t0, scause
    addi t0, t0, -USER_CALL
    bnez t0, restricted_trap
    sd a0, REGISTER_A0(sp)
    sd t1, REGISTER_T1(sp)
    STORE_REGISTERS sp, but_t0_t1
    csrr t0, sscratch
    csrr t1, sepc
    ld t2, CPU_INTERRUPTED_STACK(tp)
    addi t1, t1, 4                  # behind the instruction
    sd t0, REGISTER_TP(sp)
    sd t1, REGISTER_PC(sp)
    sd t2, REGISTER_SP(sp)
    csrw sscratch, zero
    sw zero, STATE_EXIT(sp)         # RestrictedExit::syscall
    li a0, 0
restricted_unwind:
    ld sp, CPU_RESTRICTED_RETURN(tp)
    sd zero, CPU_RESTRICTED(tp)
    ld t0, (sp)                     # enter_restricted_done or restricted_loop_exit
    jr t0

# An exception or interrupt: on the stack for traps, then as from native code.
restricted_trap:
    ld t0, CPU_TRAP_STACK(tp)
    sd t1, -FRAME_SIZE + REGISTER_T1(t0)
    ld t1, REGISTER_T0(sp)
    sd t1, -FRAME_SIZE + REGISTER_T0(t0)
    addi sp, t0, -FRAME_SIZE
    j trap_in_user_mode

# void unwind_restricted(RestrictedExit reason): abandons the current kernel stack down to enter_restricted's frame and
# makes that return `reason`. Interrupts must be off.
.global unwind_restricted
unwind_restricted:
    j restricted_unwind

# RestrictedExit enter_restricted(RestrictedStateRiscv64* state, stack_for_traps): loads the foreign registers and returns
# when foreign code leaves. Interrupts must be off; the caller has loaded the restricted page tables. Traps begin on
# `stack_for_traps`, or below this frame if that is 0.
.align 4
.global enter_restricted
enter_restricted:
    addi sp, sp, -SWITCH_SIZE
    sd ra, SWITCH_RA(sp)
    SAVED_REGISTERS sd, 8
    la t0, enter_restricted_done
    sd t0, (sp)
    bnez a1, 1f
    mv a1, sp
1:  sd sp, CPU_RESTRICTED_RETURN(tp)
    sd a1, CPU_TRAP_STACK(tp)
# Nothing of the state needs to be checked: wherever it says that foreign code goes on, that happens in user mode.
restricted_go:
    sd a0, CPU_RESTRICTED(tp)
    ld t0, REGISTER_PC(a0)
    csrw sepc, t0
    li t1, PREVIOUS_SUPERVISOR
    csrc sstatus, t1
    csrw sscratch, tp
    LOAD_REGISTERS a0
    ld sp, REGISTER_SP(a0)
    ld tp, REGISTER_TP(a0)
    ld a0, REGISTER_A0(a0)
    sret

enter_restricted_done:
    SAVED_REGISTERS ld, 8
    ld ra, SWITCH_RA(sp)
    addi sp, sp, SWITCH_SIZE
    ret

# void loop_restricted(state, stack_for_traps, handler, argument, pending): as enter_restricted, but what follows an exit is
# a call of handler(argument, reason) on this stack, with interrupts on, and then the next run; it returns when the handler
# returns 0.
.set LOOP_STATE, 8                  # above the address that each exit returns to
.set LOOP_HANDLER, 16
.set LOOP_ARGUMENT, 24
.set LOOP_PENDING, 32
.set LOOP_RA, 40
.set LOOP_SAVED, 48
.set LOOP_SIZE, 144
.align 4
.global loop_restricted
loop_restricted:
    addi sp, sp, -LOOP_SIZE
    sd ra, LOOP_RA(sp)
    SAVED_REGISTERS sd, LOOP_SAVED
    la t0, restricted_loop_exit
    sd t0, (sp)
    sd a0, LOOP_STATE(sp)
    sd a2, LOOP_HANDLER(sp)
    sd a3, LOOP_ARGUMENT(sp)
    sd a4, LOOP_PENDING(sp)
    sd sp, CPU_RESTRICTED_RETURN(tp)
    sd a1, CPU_TRAP_STACK(tp)
    j restricted_loop_next

.align 4
restricted_loop_exit:
    csrsi sstatus, INTERRUPTS
    ld t0, LOOP_HANDLER(sp)
    mv a1, a0
    ld a0, LOOP_ARGUMENT(sp)
    li s0, 0
    jalr t0
    csrci sstatus, INTERRUPTS
    beqz a0, restricted_loop_done
restricted_loop_next:
    lw t0, CPU_NEEDS_RESCHEDULE(tp)
    ld t1, LOOP_PENDING(sp)
    lw t1, (t1)
    ld a0, LOOP_STATE(sp)
    or t0, t0, t1
    beqz t0, restricted_go
    call settle_restricted_loop
    bnez a0, 1f
    ld a0, LOOP_STATE(sp)
    j restricted_go
1:  li a0, EXIT_KICK
    j restricted_loop_exit

restricted_loop_done:
    SAVED_REGISTERS ld, LOOP_SAVED
    ld ra, LOOP_RA(sp)
    addi sp, sp, LOOP_SIZE
    ret

# void switch_stacks(std::uint64_t* save_here, std::uint64_t continue_with): leaves one kernel stack, resumes another. What
# a parked thread has in place of the registers does not matter.
.align 4
.global switch_stacks
switch_stacks:
    addi sp, sp, -SWITCH_SIZE
    sd ra, SWITCH_RA(sp)
    SAVED_REGISTERS sd, 8
    sd sp, (a0)
    mv sp, a1
    SAVED_REGISTERS ld, 8
    ld ra, SWITCH_RA(sp)
    addi sp, sp, SWITCH_SIZE
    ret

# Where a new thread's kernel stack begins: s1 = function, s2 = argument.
.global thread_trampoline
thread_trampoline:
    mv a0, s1
    mv a1, s2
    li s0, 0
    call thread_first_run

# void continue_on_stack(void (*function)(void*), void* argument, stack_top): leaves the present stack for good.
.global continue_on_stack
continue_on_stack:
    mv sp, a2
    mv t0, a0
    mv a0, a1
    li s0, 0
    jalr t0
    unimp
