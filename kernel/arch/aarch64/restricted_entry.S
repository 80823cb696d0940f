// Foreign code: in and out of restricted mode. Budget: entry and exit of a system call together 80 instructions.

#include "kernel/arch/aarch64/frame_registers.inc"

// RestrictedStateAarch64 (abi/types.abi): as a TrapFrame up to pstate.
.set STATE_X16, 128
.set STATE_X18, 144
.set STATE_X30, 240
.set STATE_SP, 248
.set STATE_PC, 256
.set STATE_THREAD_POINTER, 272
.set STATE_EXIT, 280

// NZCV, TCO, DIT, SSBS and BTYPE; the rest is zero, which is EL0 with interrupts on.
.set USER_FLAGS_HIGH, 0xf300
.set USER_FLAGS_LOW, 0x1c00
.set EXIT_KICK, 2

.section .text.hot, "ax"

// Foreign code called: store its registers and return from enter_restricted. x16 is the state, x18 this CPU's data, and the frame at the
// stack pointer holds x16-x19.
.balign 16
.global restricted_syscall
restricted_syscall:
    STORE_X0_TO_X7 x16
    stp x8, x9, [x16, #64]
    stp x10, x11, [x16, #80]
    stp x12, x13, [x16, #96]
    stp x14, x15, [x16, #112]
    ldp x0, x1, [sp, #FRAME_X16]
    ldp x2, x3, [sp, #FRAME_X18]
    stp x0, x1, [x16, #STATE_X16]
    stp x2, x3, [x16, #STATE_X18]
    STORE_X20_TO_X29 x16
    mrs x0, sp_el0
    stp x30, x0, [x16, #STATE_X30]
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x0, x1, [x16, #STATE_PC]
    mrs x0, tpidr_el0
    str x0, [x16, #STATE_THREAD_POINTER]
    str wzr, [x16, #STATE_EXIT] // RestrictedExit::syscall
    mov w0, #0
    b restricted_unwind

// void leave_restricted(RestrictedExit reason): abandons the current kernel stack down to enter_restricted's frame and
// makes that return `reason`. Interrupts must be off.
.global leave_restricted
leave_restricted:
    bti c
restricted_unwind:
    ldr x9, [x18, #CPU_RESTRICTED_RETURN]
    str xzr, [x18, #CPU_RESTRICTED]
    tbnz x9, #0, 1f
    mov sp, x9
    POP_SAVED
    ret
1:  ldr x10, [x18, #CPU_KERNEL_STACK]
    mov sp, x10
    msr spsel, #0
    sub x9, x9, #1
    mov sp, x9
    b restricted_loop_handle

// RestrictedExit enter_restricted(RestrictedState* state): loads the foreign registers and returns when foreign code leaves. Interrupts
// must be off; the caller has loaded the restricted page tables. Traps push below this frame.
.balign 16
.global enter_restricted
enter_restricted:
    bti c
    PUSH_SAVED
    mov x9, sp
    str x9, [x18, #CPU_RESTRICTED_RETURN]
// On SP_EL1. Native code of other threads can write to the state at any time, so what must be checked is checked in its register. Any
// address will do: where user mode may not go, it faults as user mode.
restricted_go:
    str x0, [x18, #CPU_RESTRICTED]
    mov x16, x0
    ldp x0, x1, [x16, #STATE_PC]
    msr elr_el1, x0
    mov w2, #USER_FLAGS_LOW
    movk w2, #USER_FLAGS_HIGH, lsl #16
    and x1, x1, x2
    msr spsr_el1, x1
    ldp x30, x0, [x16, #STATE_X30]
    msr sp_el0, x0
    ldr x0, [x16, #STATE_THREAD_POINTER]
    msr tpidr_el0, x0
    LOAD_X0_TO_X7 x16
    ldp x8, x9, [x16, #64]
    ldp x10, x11, [x16, #80]
    ldp x12, x13, [x16, #96]
    ldp x14, x15, [x16, #112]
    LOAD_X20_TO_X29 x16
    ldp x18, x19, [x16, #STATE_X18]
    ldp x16, x17, [x16, #STATE_X16]
    eret

// void loop_restricted(state, handler, argument, pending): as enter_restricted, but on the stack of hosted native code (SP_EL0), and what
// follows an exit is a call of handler(argument, reason) there, with interrupts on, and then the next run; it returns when the handler
// returns 0.
.set LOOP_STATE, 0
.set LOOP_ARGUMENT, 16
.set LOOP_SIZE, 32
.balign 16
.global loop_restricted
loop_restricted:
    bti c
    PUSH_SAVED
    stp x0, x1, [sp, #-LOOP_SIZE]!
    stp x2, x3, [sp, #LOOP_ARGUMENT]
    mov x9, sp
    orr x9, x9, #1
    str x9, [x18, #CPU_RESTRICTED_RETURN]
restricted_loop_next:
    ldr w9, [x18, #CPU_NEEDS_RESCHEDULE]
    ldr x10, [sp, #LOOP_ARGUMENT + 8]
    ldr w10, [x10]
    orr w9, w9, w10
    cbnz w9, restricted_loop_settle
restricted_loop_go:
    ldr x0, [sp, #LOOP_STATE]
    msr spsel, #1
    b restricted_go

restricted_loop_handle:
    msr daifclr, #2
    mov w1, w0
    ldr x9, [sp, #LOOP_STATE + 8]
    ldr x0, [sp, #LOOP_ARGUMENT]
    mov x29, xzr
    blr x9
    msr daifset, #2
    cbnz w0, restricted_loop_next
    add sp, sp, #LOOP_SIZE
    POP_SAVED
    ret

restricted_loop_settle:
    bl settle_restricted_loop
    cbz w0, restricted_loop_go
    mov w0, #EXIT_KICK
    b restricted_loop_handle
