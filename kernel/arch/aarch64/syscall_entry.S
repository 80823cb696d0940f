// System calls of native code in user mode: `svc #0`, number in x8. Plain calls have arguments in x0-x5, the status back in x0, results in
// x1-x3. Message calls have the eight message words in x0-x7, handle, info, deadline and source in x9-x12, where reply handle, info, badge
// and key come back, and the status in x8. x18 to x30 are preserved by all; x9-x17 carry nothing back else.
//
// Budget: entry and exit together 60 instructions.

#include "abi/system_call_numbers.h"
#include "kernel/arch/aarch64/frame_registers.inc"

.set ENDPOINT_CALL, ASTRATA_SYSTEM_CALL_ENDPOINT_CALL
.set REPLY_AND_WAIT, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
.set LAST_FAST_CALL, REPLY_AND_WAIT
.if ENDPOINT_CALL != 0 || REPLY_AND_WAIT != 1
.error "the fast path's calls must be numbers 0 and 1"
.endif
// What a parked thread finds in x0 when the scheduler resumes it; no address.
.set RESUMED, 2

// User mode learns nothing of the kernel from registers that carry no result.
.macro FORGET registers:vararg
    .irp register, \registers
    mov \register, xzr
    .endr
.endm

// What the receiver gets of the sender's frame.
.macro LOAD_MESSAGE
    LOAD_X0_TO_X7 sp
    ldr x10, [sp, #FRAME_X10]
.endm

// The current thread's frame, whatever stack this was; FLAG is cleared when nothing is on the old one any more.
.macro CHANGE_STACK flag
    stlrb wzr, [\flag]
    ldr x17, [x18, #CPU_KERNEL_STACK]
    sub x17, x17, #FRAME_SIZE
    mov sp, x17
.endm

.macro RETURN_TO_CALLER         // with what C preserves
    LOAD_RETURN sp
    ldp x18, x19, [sp, #FRAME_X18]
    LOAD_X20_TO_X29 sp
    ldr x30, [sp, #FRAME_X30]
    FORGET x13, x14, x15, x16, x17
    add sp, sp, #FRAME_SIZE
    eret
.endm

.section .text.hot, "ax"

// x16-x19 are in the frame, and x18 is this CPU's data.
.balign 16
.global native_syscall
native_syscall:
    cmp x8, #LAST_FAST_CALL
    b.ls message_call
    STORE_X0_TO_X7 sp
    stp x8, x9, [sp, #FRAME_X8]
    str x10, [sp, #FRAME_X10]   // endpoint_reply has handle and info where message calls have them
    str x29, [sp, #FRAME_X29]
    mrs x16, sp_el0
    stp x30, x16, [sp, #FRAME_X30]
    mrs x16, elr_el1
    mrs x17, spsr_el1
    stp x16, x17, [sp, #FRAME_ELR]
    mov x0, sp
    mov x29, xzr
    bl syscall_dispatch         // comes back with interrupts off, and with the registers that C preserves
    LOAD_RETURN sp
    ldr x29, [sp, #FRAME_X29]
    ldr x30, [sp, #FRAME_X30]
    ldr x18, [sp, #FRAME_X18]
    LOAD_X0_TO_X7 sp
    ldr x8, [sp, #FRAME_X8]     // the status
    mov x0, x8
    FORGET x9, x10, x11, x12, x13, x14, x15, x16, x17
    add sp, sp, #FRAME_SIZE
    eret

// endpoint_call (0) and reply_and_wait (1). Below the frame is what switch_stacks takes off the stack of a parked thread.
.balign 16
message_call:
    STORE_X0_TO_X7 sp
    stp x8, x9, [sp, #FRAME_X8]
    stp x10, x11, [sp, #FRAME_X10]
    str x12, [sp, #FRAME_X12]
    STORE_X20_TO_X29 sp
    mrs x16, sp_el0
    stp x30, x16, [sp, #FRAME_X30]
    mrs x16, elr_el1
    mrs x17, spsr_el1
    stp x16, x17, [sp, #FRAME_ELR]
    mov x29, xzr
    mov x20, sp                 // the first argument, for functions that preserve no registers
    sub sp, sp, #SAVED_SIZE
    cbz x8, fast_path_call
    adr x9, reply_and_wait_resumed
    str x9, [sp, #SAVED_X30]
    adrp x9, fast_reply_now
    ldr x9, [x9, :lo12:fast_reply_now]
    blr x9
    add sp, sp, #SAVED_SIZE
    // Reached twice: at once (x0: 0, or the flag of a thread that is left for another), and by switch_stacks (x0: RESUMED).
reply_and_wait_resumed:
    cmp x0, #RESUMED
    b.ls reply_and_wait_not_switched
    mov x16, x0
    LOAD_MESSAGE
    CHANGE_STACK x16
    FORGET x8, x9, x11, x12     // a caller that gets its reply learns nothing of these
    RETURN_TO_CALLER

fast_path_call:
    adr x9, call_resumed
    str x9, [sp, #SAVED_X30]
    adrp x9, fast_call_now
    ldr x9, [x9, :lo12:fast_call_now]
    blr x9
    add sp, sp, #SAVED_SIZE
call_resumed:
    cmp x0, #RESUMED            // as above
    b.ls call_not_switched
    mov x16, x0
    LOAD_MESSAGE
    CHANGE_STACK x16
    ldr x9, [sp, #FRAME_X9]
    ldp x11, x12, [sp, #FRAME_X11]
    FORGET x8
    RETURN_TO_CALLER

call_not_switched:
    mov x1, #ENDPOINT_CALL
    b message_not_switched
reply_and_wait_not_switched:
    mov x1, #REPLY_AND_WAIT
message_not_switched:
    mov x9, x0
    mov x0, sp
    mov x29, xzr
    cbnz x9, 1f
    bl message_dispatch
    b message_exit
1:  bl message_resumed          // parked in the fast path, woken by the scheduler
message_exit:
    LOAD_X0_TO_X7 sp
    ldp x8, x9, [sp, #FRAME_X8]
    ldp x10, x11, [sp, #FRAME_X10]
    ldr x12, [sp, #FRAME_X12]
    RETURN_TO_CALLER

// void switch_stacks(std::uint64_t* save_here, std::uint64_t continue_with): leaves one stack, resumes another. Bit 0 of a saved stack
// pointer says that it was SP_EL0: a hosted thread's, whose kernel stack is empty meanwhile.
.balign 16
.global switch_stacks
switch_stacks:
    bti c
    PUSH_SAVED
    mrs x9, spsel
    mov x10, sp
    eor x9, x9, #1
    orr x10, x10, x9
    str x10, [x0]
    msr spsel, #1
    tbnz x1, #0, 1f
    mov sp, x1
    POP_SAVED
    mov x0, #RESUMED            // for the stack of a parked thread
    ret
1:  ldr x9, [x18, #CPU_KERNEL_STACK]
    mov sp, x9
    msr spsel, #0
    sub x1, x1, #1
    mov sp, x1
    POP_SAVED
    ret

// Where a new thread's kernel stack begins: x19 = function, x20 = argument.
.global thread_trampoline
thread_trampoline:
    mov x0, x19
    mov x1, x20
    mov x29, xzr
    bl thread_first_run
    brk #0

// void continue_on_stack(void (*function)(void*), void* argument, stack_top): leaves the present stack for good.
.global continue_on_stack
continue_on_stack:
    bti c
    msr spsel, #1
    mov sp, x2
    mov x9, x0
    mov x0, x1
    mov x29, xzr
    blr x9
    brk #0

// void enter_user_mode(entry, stack, argument0, argument1, argument2, kernel_stack)
.global enter_user_mode
enter_user_mode:
    bti c
    mov sp, x5
    msr elr_el1, x0
    msr spsr_el1, xzr           // EL0, interrupts on
    msr sp_el0, x1
    mov x0, x2
    mov x1, x3
    mov x2, x4
    FORGET x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30
    eret
