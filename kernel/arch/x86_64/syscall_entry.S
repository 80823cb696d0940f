# The system-call instruction, from native code and from foreign code in restricted mode.
# Budget: entry and exit together 60 instructions for native code, 50 for foreign code.

#include "abi/system_call_numbers.h"
#include "kernel/arch/x86_64/frame_registers.inc"
#include "kernel/arch/x86_64/patch_sites.inc"

.set USER_DATA, 0x1b
.set USER_CODE, 0x23

# PerCpu (arch/per_cpu.h)
.set CPU_KERNEL_STACK, 8
.set CPU_USER_STACK, 16
.set CPU_RESTRICTED, 24
.set CPU_NEEDS_RESCHEDULE, 44
.set CPU_RESTRICTED_RETURN, 48

# RestrictedStateX86 (abi/types.abi)
.set STATE_RAX, 0
.set STATE_RBX, 8
.set STATE_RCX, 16
.set STATE_RDX, 24
.set STATE_RSI, 32
.set STATE_RDI, 40
.set STATE_RBP, 48
.set STATE_RSP, 56
.set STATE_R8, 64
.set STATE_R9, 72
.set STATE_R10, 80
.set STATE_R11, 88
.set STATE_R12, 96
.set STATE_R13, 104
.set STATE_R14, 112
.set STATE_R15, 120
.set STATE_RIP, 128
.set STATE_RFLAGS, 136
.set STATE_EXIT, 160
.set STATE_VECTOR, 164
.set STATE_ERROR_CODE, 168
.set STATE_FAULT_ADDRESS, 176

# Of foreign code's registers.
.set CANONICAL_SHIFT, 47        # addresses of the lower half are below 1 << 47
.set USER_FLAGS, 0x250dd5       # CF PF AF ZF SF TF DF OF AC ID RF
.set FIXED_FLAGS, 0x202         # IF and the bit that is always one
.set EXIT_EXCEPTION, 1
.set EXIT_KICK, 2
.set GENERAL_PROTECTION, 13

# TrapFrame (arch/trap_frame.h)
.set FRAME_R8, 0
.set FRAME_R9, 8
.set FRAME_R10, 16
.set FRAME_R12, 24
.set FRAME_R13, 32
.set FRAME_R14, 40
.set FRAME_R15, 48
.set FRAME_RBX, 56
.set FRAME_RBP, 64
.set FRAME_RDI, 72
.set FRAME_RSI, 80
.set FRAME_RDX, 88
.set FRAME_RCX, 96
.set FRAME_R11, 104
.set FRAME_RAX, 112
.set FRAME_VECTOR, 120
.set FRAME_RIP, 136
.set FRAME_RFLAGS, 152
.set FRAME_RSP, 160
.set FRAME_SIZE, 176
.set SYSCALL_VECTOR, 256

.set ENDPOINT_CALL, ASTRATA_SYSTEM_CALL_ENDPOINT_CALL
.set REPLY_AND_WAIT, ASTRATA_SYSTEM_CALL_REPLY_AND_WAIT
.set LAST_FAST_CALL, REPLY_AND_WAIT
.if ENDPOINT_CALL != 0 || REPLY_AND_WAIT != 1
.error "the fast path's calls must be numbers 0 and 1"
.endif
# What a parked thread finds in rax when the scheduler resumes it; no address.
.set RESUMED, 2

# The rest of a TrapFrame, once what iretq wants is on the stack.
.macro SAVE_REGISTERS
    pushq $0
    pushq $SYSCALL_VECTOR
    PUSH_REGISTERS
.endm

# Out of the kernel; with page-table isolation boot puts a jump here (isolated_entry.S).
.macro TO_USER instruction, isolated
88: swapgs
    \instruction
    PATCH_AT __isolation_sites, JUMP, 88b, \isolated, 5
.endm

# What the receiver gets of the sender's frame.
.macro LOAD_MESSAGE
    movq FRAME_R8(%rsp), %r8
    movq FRAME_R9(%rsp), %r9
    movq FRAME_R10(%rsp), %r10
    movq FRAME_R12(%rsp), %r12
    movq FRAME_R13(%rsp), %r13
    movq FRAME_R14(%rsp), %r14
    movq FRAME_R15(%rsp), %r15
    movq FRAME_RBX(%rsp), %rbx
    movq FRAME_RSI(%rsp), %rsi
.endm

.section .text.hot, "ax"
.code64
.align 16
.global syscall_entry
syscall_entry:
    swapgs
.global syscall_entered
syscall_entered:
    movq %rsp, %gs:CPU_USER_STACK
    movq %gs:CPU_RESTRICTED, %rsp
    testq %rsp, %rsp
    jnz restricted_syscall
    movq %gs:CPU_KERNEL_STACK, %rsp
    pushq $USER_DATA
    pushq %gs:CPU_USER_STACK
    pushq %r11
    pushq $USER_CODE
    pushq %rcx
    cmpl $LAST_FAST_CALL, %eax
    jbe message_call
    SAVE_REGISTERS
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call syscall_dispatch       # comes back with interrupts off, and with the registers that C preserves
    movq FRAME_R8(%rsp), %r8
    movq FRAME_R9(%rsp), %r9
    movq FRAME_R10(%rsp), %r10
    movq FRAME_RBP(%rsp), %rbp
    movq FRAME_RDI(%rsp), %rdi
    movq FRAME_RSI(%rsp), %rsi
    movq FRAME_RDX(%rsp), %rdx
    movq FRAME_RAX(%rsp), %rax
    movq FRAME_RIP(%rsp), %rcx  # user addresses end below the canonical hole, so sysret is safe
    movq FRAME_RFLAGS(%rsp), %r11
    movq FRAME_RSP(%rsp), %rsp
    TO_USER sysretq, isolated_sysret

# endpoint_call (0) and reply_and_wait (1): the flags still say which. Every register but the stack pointer, instruction pointer and
# flags, which are on the stack already, holds the message, or nothing that survives the call.
.align 16
message_call:
    leaq -FRAME_RIP(%rsp), %rsp
    movq %r8, FRAME_R8(%rsp)
    movq %r9, FRAME_R9(%rsp)
    movq %r10, FRAME_R10(%rsp)
    movq %r12, FRAME_R12(%rsp)
    movq %r13, FRAME_R13(%rsp)
    movq %r14, FRAME_R14(%rsp)
    movq %r15, FRAME_R15(%rsp)
    movq %rbx, FRAME_RBX(%rsp)
    movq %rbp, FRAME_RBP(%rsp)
    movq %rdi, FRAME_RDI(%rsp)
    movq %rsi, FRAME_RSI(%rsp)
    movq %rdx, FRAME_RDX(%rsp)
    movq %rsp, %r12             # the first argument, for functions that preserve no registers
    jne fast_path_call
    PATCHABLE __retpoline_sites, CALL, retpoline_fast_reply, call *fast_reply_now(%rip)
    # Reached twice: at once (rax: 0, or the flag of a thread that is left for another), and by switch_stacks (rax: RESUMED).
    cmpq $RESUMED, %rax
    jbe reply_and_wait_not_switched
    LOAD_MESSAGE
    movb $0, (%rax)             # nothing is on the old stack any more
    movq %gs:CPU_KERNEL_STACK, %rsp
    movq FRAME_RIP - FRAME_SIZE(%rsp), %rcx
    movq FRAME_RFLAGS - FRAME_SIZE(%rsp), %r11
    movq FRAME_RSP - FRAME_SIZE(%rsp), %rsp
    xorl %edi, %edi             # a caller that gets its reply learns nothing of these
    xorl %edx, %edx
    xorl %ebp, %ebp
    xorl %eax, %eax
    TO_USER sysretq, isolated_sysret

fast_path_call:
    PATCHABLE __retpoline_sites, CALL, retpoline_fast_call, call *fast_call_now(%rip)
    cmpq $RESUMED, %rax         # as above
    jbe call_not_switched
    LOAD_MESSAGE
    movb $0, (%rax)
    movq %gs:CPU_KERNEL_STACK, %rsp
    movq FRAME_RIP - FRAME_SIZE(%rsp), %rcx
    movq FRAME_RFLAGS - FRAME_SIZE(%rsp), %r11
    movq FRAME_RDI - FRAME_SIZE(%rsp), %rdi
    movq FRAME_RDX - FRAME_SIZE(%rsp), %rdx
    movq FRAME_RBP - FRAME_SIZE(%rsp), %rbp
    movq FRAME_RSP - FRAME_SIZE(%rsp), %rsp
    xorl %eax, %eax
    TO_USER sysretq, isolated_sysret

call_not_switched:
    movl $ENDPOINT_CALL, %esi
    jmp message_not_switched
reply_and_wait_not_switched:
    movl $REPLY_AND_WAIT, %esi
message_not_switched:
    # The rest of a TrapFrame.
    movq FRAME_RIP(%rsp), %rcx
    movq FRAME_RFLAGS(%rsp), %rdx
    movq %rcx, FRAME_RCX(%rsp)
    movq %rdx, FRAME_R11(%rsp)
    movq %rsi, FRAME_RAX(%rsp)
    movq $SYSCALL_VECTOR, FRAME_VECTOR(%rsp)
    movq $0, FRAME_VECTOR + 8(%rsp)
    movq %rsp, %rdi
    xorl %ebp, %ebp
    testq %rax, %rax
    jnz 1f
    call message_dispatch
    jmp message_exit
1:  call message_resumed        # parked in the fast path, woken by the scheduler
message_exit:
    POP_REGISTERS
    movq FRAME_RSP - FRAME_VECTOR(%rsp), %rsp
    TO_USER sysretq, isolated_sysret

# Native code that is hosted in the kernel calls here instead of executing the instruction. The stack stays, and so does the mode. What
# is called preserves the registers that C preserves, so the frame needs no more than arguments, which are also where results go, and
# the way back.
# Budget: 30 instructions with the way back.
.set KERNEL_CODE, 0x08
.set KERNEL_DATA, 0x10
.set HOSTED_STACK_ROOM, 16384   # as much as a kernel stack has
.align 16
.global hosted_entry
hosted_entry:
    testb $0, -HOSTED_STACK_ROOM(%rsp)
    cmpl $LAST_FAST_CALL, %eax
    jbe hosted_message_call
    cmpl $ASTRATA_SYSTEM_CALL_ENDPOINT_REPLY, %eax
    je hosted_message_call
    popq %rcx
    movq %rsp, %r11
    subq $FRAME_SIZE, %rsp
    andq $-16, %rsp
    movq %r11, FRAME_RSP(%rsp)
    movq %rcx, FRAME_RIP(%rsp)
    movq %rax, FRAME_RAX(%rsp)
    movq %rdi, FRAME_RDI(%rsp)
    movq %rsi, FRAME_RSI(%rsp)
    movq %rdx, FRAME_RDX(%rsp)
    movq %r10, FRAME_R10(%rsp)
    movq %r8, FRAME_R8(%rsp)
    movq %r9, FRAME_R9(%rsp)
    movq %rsp, %rdi
    call hosted_dispatch
    movq FRAME_RAX(%rsp), %rax
    movq FRAME_RDI(%rsp), %rdi
    movq FRAME_RSI(%rsp), %rsi
    movq FRAME_RDX(%rsp), %rdx
    movq FRAME_RIP(%rsp), %rcx
    movq FRAME_RSP(%rsp), %rsp
    PATCHABLE __retpoline_sites, JUMP, retpoline_rcx, jmpq *%rcx

# A message is in nearly all registers: a whole frame, as if there had been a change of mode and stack.
hosted_message_call:
    popq %rcx
    movq %rsp, %r11
    pushq $KERNEL_DATA
    pushq %r11
    pushfq
    pushq $KERNEL_CODE
    pushq %rcx
    SAVE_REGISTERS
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    xorl %ebp, %ebp
    call hosted_message_dispatch
    movq %rbx, %rsp
    POP_REGISTERS
    movq FRAME_RIP - FRAME_VECTOR(%rsp), %rcx
    movq FRAME_RSP - FRAME_VECTOR(%rsp), %rsp
    PATCHABLE __retpoline_sites, JUMP, retpoline_rcx, jmpq *%rcx

# The calls that have an entry of their own are C functions from here on.
.macro DIRECT_ENTRY name, function
.align 16
.global \name
\name:
    testb $0, -HOSTED_STACK_ROOM(%rsp)
    jmp \function
.pushsection __exception_table, "a", @progbits
    .quad \name, hosted_entry_without_room
.popsection
.endm
DIRECT_ENTRY hosted_park_entry, hosted_thread_park
DIRECT_ENTRY hosted_unpark_entry, hosted_thread_unpark
DIRECT_ENTRY hosted_map_anonymous_entry, hosted_map_anonymous
DIRECT_ENTRY hosted_unmap_entry, hosted_unmap
DIRECT_ENTRY hosted_protect_entry, hosted_protect
DIRECT_ENTRY hosted_read_entry, hosted_read

.global hosted_entry_end
hosted_entry_end:

# That much is not there: Bedrock would run off the stack with its locks held.
.pushsection __exception_table, "a", @progbits
    .quad hosted_entry, hosted_entry_without_room
.popsection
hosted_entry_without_room:
    cli
    popq %rcx
    movq %rsp, %r11
    movq %gs:CPU_KERNEL_STACK, %rsp
    pushq $KERNEL_DATA
    pushq %r11
    pushfq
    pushq $KERNEL_CODE
    pushq %rcx
    SAVE_REGISTERS
    movq %rsp, %rdi
    leaq -HOSTED_STACK_ROOM(%r11), %rsi
    xorl %ebp, %ebp
    call hosted_stack_exhausted

# void enter_hosted(entry, stack, argument0, argument1, argument2): the first instruction of a hosted thread, on its own stack.
.global enter_hosted
enter_hosted:
    movq %rdi, %r11
    movq %rsi, %rsp
    movq %rdx, %rdi
    movq %rcx, %rsi
    movq %r8, %rdx
    xorl %ebp, %ebp
    cld
    sti
    jmp __x86_indirect_thunk_r11

# void continue_on_stack(void (*function)(void*), void* argument, stack_top): leaves the present stack for good.
.global continue_on_stack
continue_on_stack:
    movq %rdx, %rsp
    movq %rdi, %r11
    movq %rsi, %rdi
    xorl %ebp, %ebp
    call __x86_indirect_thunk_r11
    ud2

# void leave_restricted(RestrictedExit reason): abandons the current kernel stack down to enter_restricted's frame and
# makes that return `reason`. Interrupts must be off.
.global leave_restricted
leave_restricted:
    movl %edi, %eax
    jmp restricted_unwind

# Foreign code called: store its registers and return from enter_restricted. The state's address serves as stack pointer
# for a moment; nothing is pushed, interrupts are off, and NMIs have a stack of their own. The reason in the state is
# RestrictedExit::syscall already, as it always is while foreign code runs.
.align 16
restricted_syscall:
    movq %rax, STATE_RAX(%rsp)
    movq %rbx, STATE_RBX(%rsp)
    movq %rcx, STATE_RCX(%rsp)
    movq %rdx, STATE_RDX(%rsp)
    movq %rsi, STATE_RSI(%rsp)
    movq %rdi, STATE_RDI(%rsp)
    movq %rbp, STATE_RBP(%rsp)
    movq %r8, STATE_R8(%rsp)
    movq %r9, STATE_R9(%rsp)
    movq %r10, STATE_R10(%rsp)
    movq %r11, STATE_R11(%rsp)
    movq %r12, STATE_R12(%rsp)
    movq %r13, STATE_R13(%rsp)
    movq %r14, STATE_R14(%rsp)
    movq %r15, STATE_R15(%rsp)
    movq %rcx, STATE_RIP(%rsp)
    movq %r11, STATE_RFLAGS(%rsp)
    movq %gs:CPU_USER_STACK, %rax
    movq %rax, STATE_RSP(%rsp)
    xorl %eax, %eax             # RestrictedExit::syscall
restricted_unwind:
    movq %gs:CPU_RESTRICTED_RETURN, %rsp
    movq $0, %gs:CPU_RESTRICTED
    ret                         # to enter_restricted_done or to restricted_loop_exit

enter_restricted_done:
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

# Native code of other threads can write to the state at any time, so what must be checked is checked in its register: sysret and
# iret must get an address below the canonical hole. That it is the guest's is for the page tables to say.
.macro CHECK_ADDRESS
    movq %rcx, %rax
    shrq $CANONICAL_SHIFT, %rax
    jnz restricted_bad_address
.endm

# After a system call rcx and r11 are the instruction's to change, so the short way back will do. rsp is the state's address.
.macro LOAD_CALL_CLOBBERED
    movq STATE_RIP(%rsp), %rcx
    movq STATE_RFLAGS(%rsp), %r11
    CHECK_ADDRESS
    andl $USER_FLAGS, %r11d
    orl $FIXED_FLAGS, %r11d
    movq STATE_RAX(%rsp), %rax
    movq STATE_RDX(%rsp), %rdx
    movq STATE_RSI(%rsp), %rsi
    movq STATE_RDI(%rsp), %rdi
    movq STATE_RBP(%rsp), %rbp
    movq STATE_R8(%rsp), %r8
    movq STATE_R9(%rsp), %r9
    movq STATE_R10(%rsp), %r10
.endm
.macro LOAD_PRESERVED
    movq STATE_RBX(%rsp), %rbx
    movq STATE_R12(%rsp), %r12
    movq STATE_R13(%rsp), %r13
    movq STATE_R14(%rsp), %r14
    movq STATE_R15(%rsp), %r15
.endm
.macro TO_FOREIGN
    movq STATE_RSP(%rsp), %rsp
    TO_USER sysretq, isolated_sysret
.endm

# RestrictedExit enter_restricted(RestrictedStateX86* state, std::uint64_t* stack_for_traps): loads the foreign registers and
# returns when foreign code leaves. Interrupts must be off; the caller has loaded the restricted page tables, segment bases
# and checked rip and rflags. `stack_for_traps` (TSS.RSP0) is set to the present stack, so that traps push below this frame.
.align 16
.global enter_restricted
enter_restricted:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    leaq enter_restricted_done(%rip), %rax
    pushq %rax
    movq %rsp, %gs:CPU_RESTRICTED_RETURN
    movq %rsp, (%rsi)
    movq %rdi, %rsp
    movq %rsp, %gs:CPU_RESTRICTED
    cmpl $0, STATE_EXIT(%rsp)
    jne restricted_resume_all
    LOAD_CALL_CLOBBERED
    LOAD_PRESERVED
    TO_FOREIGN

# Every register, from the state that rsp points to.
restricted_resume_all:
    movq STATE_RIP(%rsp), %rcx
    CHECK_ADDRESS
    movq %rsp, %rdi
    movq %gs:CPU_RESTRICTED_RETURN, %rsp
    movl $0, STATE_EXIT(%rdi)   # RestrictedExit::syscall, which is the one exit that does not say so itself
    movq STATE_RFLAGS(%rdi), %r11
    andl $USER_FLAGS, %r11d
    orl $FIXED_FLAGS, %r11d
    pushq $USER_DATA
    pushq STATE_RSP(%rdi)
    pushq %r11
    pushq $USER_CODE
    pushq %rcx
    movq STATE_RAX(%rdi), %rax
    movq STATE_RBX(%rdi), %rbx
    movq STATE_RCX(%rdi), %rcx
    movq STATE_RDX(%rdi), %rdx
    movq STATE_RSI(%rdi), %rsi
    movq STATE_RBP(%rdi), %rbp
    movq STATE_R8(%rdi), %r8
    movq STATE_R9(%rdi), %r9
    movq STATE_R10(%rdi), %r10
    movq STATE_R11(%rdi), %r11
    movq STATE_R12(%rdi), %r12
    movq STATE_R13(%rdi), %r13
    movq STATE_R14(%rdi), %r14
    movq STATE_R15(%rdi), %r15
    movq STATE_RDI(%rdi), %rdi
    TO_USER iretq, isolated_iret

# As if the first fetch had faulted: a general protection fault of the foreign code. rcx is the address.
restricted_bad_address:
    movl $EXIT_EXCEPTION, STATE_EXIT(%rsp)
    movl $GENERAL_PROTECTION, STATE_VECTOR(%rsp)
    movq $0, STATE_ERROR_CODE(%rsp)
    movq %rcx, STATE_FAULT_ADDRESS(%rsp)
    movl $EXIT_EXCEPTION, %eax
    jmp restricted_unwind

# void loop_restricted(state, stack_for_traps, handler, argument, pending): as enter_restricted, but what follows an exit is a call of
# handler(argument, reason) on this stack, with interrupts on, and then the next run; it returns when the handler returns 0.
# A function preserves rbx and r12 to r15, so what the program had in them is still there after its system call.
# Budget of a system call that comes through here: 65 instructions besides the handler.
.set LOOP_STATE, 8              # above the address that each exit returns to
.set LOOP_HANDLER, 16
.set LOOP_ARGUMENT, 24
.set LOOP_PENDING, 32
.set LOOP_SIZE, 40
.align 16
.global loop_restricted
loop_restricted:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    pushq %r8
    pushq %rcx
    pushq %rdx
    pushq %rdi
    leaq restricted_loop_exit(%rip), %rax
    pushq %rax
    movq %rsp, %gs:CPU_RESTRICTED_RETURN
    movq %rsp, (%rsi)
    movl $EXIT_KICK, STATE_EXIT(%rdi)   # every register is to be loaded
    jmp restricted_loop_next

.align 16
restricted_loop_exit:
    subq $8, %rsp               # the address stays for the next exit
restricted_loop_handle:
    sti
    movl %eax, %esi
    movq LOOP_ARGUMENT(%rsp), %rdi
    xorl %ebp, %ebp
    PATCHABLE __retpoline_sites, CALL, retpoline_loop_handler, {disp32} call *LOOP_HANDLER(%rsp)
    cli
    testl %eax, %eax
    jz restricted_loop_done
restricted_loop_next:
    cmpl $0, %gs:CPU_NEEDS_RESCHEDULE
    jne restricted_loop_settle
    movq LOOP_PENDING(%rsp), %rax
    cmpl $0, (%rax)
    jne restricted_loop_settle
restricted_loop_go:
    movq LOOP_STATE(%rsp), %rsp
    movq %rsp, %gs:CPU_RESTRICTED
    cmpl $0, STATE_EXIT(%rsp)
    jne restricted_resume_all
    LOAD_CALL_CLOBBERED
    TO_FOREIGN

retpoline_loop_handler:
    movq LOOP_HANDLER + 8(%rsp), %r11
    jmp __x86_indirect_thunk_r11

restricted_loop_settle:
    call settle_restricted_loop
    testl %eax, %eax
    jz restricted_loop_go
    movl $EXIT_KICK, %eax
    jmp restricted_loop_handle

restricted_loop_done:
    addq $LOOP_SIZE, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret

# void switch_stacks(std::uint64_t* save_here, std::uint64_t continue_with): leaves one kernel stack, resumes another.
.align 16
.global switch_stacks
switch_stacks:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    movl $RESUMED, %eax         # for the stack of a parked thread
    ret

# Where a new thread's kernel stack begins: r12 = function, r13 = argument.
.global thread_trampoline
thread_trampoline:
    movq %r12, %rdi
    movq %r13, %rsi
    xorl %ebp, %ebp
    call thread_first_run
    ud2
