// Exceptions and interrupts: the vector table, and one common path in and out. The frame that is pushed is arch/trap_frame.h's TrapFrame.
//
// Arm ARM DDI 0487, section D1.4.1. Native code that is hosted in the kernel runs at EL1 on SP_EL0, so that whatever happens to it comes
// with SP_EL1, the thread's kernel stack, as from user mode: its own stack may be at its end.

#include "kernel/arch/aarch64/frame_registers.inc"

.set CLASS_SHIFT, 26            // ESR_EL1.EC
.set CLASS_SVC, 0x15
.set MODE_MASK, 0xf
.set MODE_KERNEL, 0x5

// All that C does not preserve goes into the frame, and the rest, for those who look at it.
.macro STORE_REST_OF_FRAME      // x16-x19 are there already; x17 is the syndrome
    STORE_X0_TO_X7 sp
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    STORE_X20_TO_X29 sp
    mrs x0, elr_el1
    mrs x1, spsr_el1
    stp x0, x1, [sp, #FRAME_ELR]
    mrs x0, far_el1
    stp x17, x0, [sp, #FRAME_SYNDROME]
.endm

.macro BEGIN_FRAME
    sub sp, sp, #FRAME_SIZE
    stp x16, x17, [sp, #FRAME_X16]
    stp x18, x19, [sp, #FRAME_X18]
    mrs x18, tpidr_el1
    mrs x17, esr_el1
.endm

.macro VECTOR
    .balign 128
.endm

.section .text.entry, "ax"
.balign 2048
.global exception_vectors
exception_vectors:
    // From hosted code: EL1 on SP_EL0.
    VECTOR
    BEGIN_FRAME
    b trap_from_sp0
    VECTOR
    BEGIN_FRAME
    b interrupt_from_sp0
    VECTOR
    b unexpected
    VECTOR
    b unexpected
    // From the kernel itself.
    VECTOR
    b trap_from_kernel
    VECTOR
    BEGIN_FRAME
    b interrupt_from_kernel
    VECTOR
    b unexpected
    VECTOR
    b unexpected
    // From user mode.
    VECTOR
    BEGIN_FRAME
    lsr x16, x17, #CLASS_SHIFT
    cmp x16, #CLASS_SVC
    b.ne trap_from_sp0
    ldr x16, [x18, #CPU_RESTRICTED]
    cbnz x16, restricted_syscall
    b native_syscall
    VECTOR
    BEGIN_FRAME
    b interrupt_from_sp0
    VECTOR
    b unexpected
    VECTOR
    b unexpected
    // From 32-bit user mode, which nothing can enter.
    .rept 4
    VECTOR
    b unexpected
    .endr

.macro CALL_FROM_SP0 handler
    STORE_REST_OF_FRAME
    mrs x0, sp_el0
    stp x30, x0, [sp, #FRAME_X30]
    mov x0, sp
    mov x29, xzr
    bl \handler
    b trap_return
.endm
.macro CALL_FROM_KERNEL handler
    STORE_REST_OF_FRAME
    add x0, sp, #FRAME_SIZE
    stp x30, x0, [sp, #FRAME_X30]
    mov x0, sp
    bl \handler
    b trap_return
.endm

trap_from_sp0:
    CALL_FROM_SP0 trap_synchronous
interrupt_from_sp0:
    CALL_FROM_SP0 trap_interrupt
interrupt_from_kernel:
    CALL_FROM_KERNEL trap_interrupt

// A stack that has overflowed cannot hold the frame, and pushing would fail as this has, for ever. Whether it can be written is what the
// processor tells (AT S1E1W); TPIDRRO_EL0 serves as scratch, and holds nothing else.
trap_from_kernel:
    msr tpidrro_el0, x0
    sub x0, sp, #FRAME_SIZE
    at s1e1w, x0
    isb
    mrs x0, par_el1
    tbnz x0, #0, kernel_stack_overflow
    mrs x0, tpidrro_el0
    msr tpidrro_el0, xzr
    BEGIN_FRAME
    CALL_FROM_KERNEL trap_synchronous

kernel_stack_overflow:
    mov x0, sp
    mrs x1, tpidr_el1
    ldr x1, [x1, #CPU_EMERGENCY_STACK]
    mov sp, x1
    BEGIN_FRAME
    mov x16, x0
    STORE_REST_OF_FRAME
    mrs x0, tpidrro_el0
    str x0, [sp]
    stp x30, x16, [sp, #FRAME_X30]
    mov x0, sp
    bl trap_stack_overflow
    b .

// System errors and fast interrupts: neither is ever asked for.
unexpected:
    BEGIN_FRAME
    STORE_REST_OF_FRAME
    mrs x0, sp_el0
    stp x30, x0, [sp, #FRAME_X30]
    mov x0, sp
    bl trap_unexpected
    b .

// To whatever the frame at the stack pointer describes. Interrupts are off.
.global trap_return
trap_return:
    ldr x17, [sp, #FRAME_SPSR]
    and x16, x17, #MODE_MASK
    cmp x16, #MODE_KERNEL
    b.eq 1f
    ldr x16, [sp, #FRAME_SP]
    msr sp_el0, x16
    tbnz x17, #2, 1f            // EL1, where x18 is this CPU's data, not what it was
    ldr x18, [sp, #FRAME_X18]
1:  ldr x16, [sp, #FRAME_ELR]
    msr elr_el1, x16
    msr spsr_el1, x17
    LOAD_X0_TO_X7 sp
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #FRAME_X16]
    ldr x19, [sp, #FRAME_X18 + 8]
    LOAD_X20_TO_X29 sp
    ldr x30, [sp, #FRAME_X30]
    add sp, sp, #FRAME_SIZE
    eret
