# Page-table isolation: the ways between user mode, whose page tables show no more of the kernel half than this section, the interrupt
# table and each CPU's EntryPage and exception stacks, and the entry code, which is otherwise the same. Where it is switched on, boot has the
# syscall instruction come here and puts jumps to here at the places in __isolation_sites; else nothing of this is ever run.
#
# A root and its user view are neighbours: the view's address is the root's plus a page.

#include "kernel/arch/x86_64/frame_registers.inc"
#include "kernel/arch/x86_64/patch_sites.inc"

.set PAGE, 4096
# EntryPage, right below the CPU's data (arch/per_cpu.h)
.set ENTRY_KERNEL_ROOT, -PAGE
.set ENTRY_SCRATCH, -PAGE + 8
.set ENTRY_FRAME_ADDRESS, -PAGE + 16
# What the processor pushes there at a trap, and iretq takes from there
.set ENTRY_SS, -8
.set ENTRY_RSP, -16
.set ENTRY_RFLAGS, -24
.set ENTRY_CS, -32
.set ENTRY_RIP, -40
.set ENTRY_ERROR, -48
.set ENTRY_VECTOR, -56
# PerCpu
.set CPU_TABLES, 104
.set CPU_ACTIVE_ROOT, 112
# CpuTables (descriptor_tables.h): where the kernel notes the stack for traps; the processor's own TSS names the EntryPage
.set TABLES_STACK, 68
# TrapFrame
.set FRAME_CS, 144

.macro TO_USER_VIEW             # needs no register but rsp, and changes the flags of nobody
    movq %gs:CPU_ACTIVE_ROOT, %rsp
    movq %rsp, %gs:ENTRY_KERNEL_ROOT
    leaq PAGE(%rsp), %rsp
    movq %rsp, %cr3
.endm

.section .text.entry, "ax"
.code64
.align 16
.global isolated_syscall_entry
isolated_syscall_entry:
    swapgs
    movq %rsp, %gs:ENTRY_SCRATCH
    movq %gs:ENTRY_KERNEL_ROOT, %rsp
    movq %rsp, %cr3
    movq %gs:ENTRY_SCRATCH, %rsp
    jmp syscall_entered

# In place of swapgs, sysretq.
.align 16
.global isolated_sysret
isolated_sysret:
    movq %rsp, %gs:ENTRY_SCRATCH
    TO_USER_VIEW
    movq %gs:ENTRY_SCRATCH, %rsp
    swapgs
    sysretq

.align 16
.global isolated_trap_common
isolated_trap_common:
    testb $3, 24(%rsp)
    jz trap_in_kernel_mode
    swapgs
    movq %rax, %gs:ENTRY_SCRATCH
    movq %gs:ENTRY_KERNEL_ROOT, %rax
    movq %rax, %cr3
    movq %gs:CPU_TABLES, %rax
    movq TABLES_STACK(%rax), %rsp
    pushq %gs:ENTRY_SS
    pushq %gs:ENTRY_RSP
    pushq %gs:ENTRY_RFLAGS
    pushq %gs:ENTRY_CS
    pushq %gs:ENTRY_RIP
    pushq %gs:ENTRY_ERROR
    pushq %gs:ENTRY_VECTOR
    movq %gs:ENTRY_SCRATCH, %rax
    PUSH_REGISTERS
    jmp trap_on_stack

.align 16
.global isolated_trap_return
isolated_trap_return:
    testb $3, FRAME_CS(%rsp)
    jnz 1f
    POP_REGISTERS
    addq $16, %rsp
    iretq
1:  POP_REGISTERS
    addq $16, %rsp
# In place of swapgs, iretq.
.global isolated_iret
isolated_iret:
    popq %gs:ENTRY_RIP
    popq %gs:ENTRY_CS
    popq %gs:ENTRY_RFLAGS
    popq %gs:ENTRY_RSP
    popq %gs:ENTRY_SS
    TO_USER_VIEW
    movq %gs:ENTRY_FRAME_ADDRESS, %rsp
    swapgs
    iretq

# As trap_paranoid. The page tables may be of either kind as well; no kernel root lies where the view of the last exit does.
.align 16
.global isolated_trap_paranoid
isolated_trap_paranoid:
    PUSH_REGISTERS
    pushq $2
    popfq
    movl $0xc0000101, %ecx      # IA32_GS_BASE
    rdmsr
    movl %eax, %r12d
    movl %edx, %r13d
    movq 176(%rsp), %rax
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
    movq %cr3, %r14
    movq %gs:ENTRY_KERNEL_ROOT, %rax
    leaq PAGE(%rax), %rcx
    cmpq %rcx, %r14
    jne 1f
    movq %rax, %cr3
1:  movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_dispatch_paranoid
    movq %r14, %cr3
    movl $0xc0000101, %ecx
    movl %r12d, %eax
    movl %r13d, %edx
    wrmsr
    POP_REGISTERS
    addq $16, %rsp
    iretq

PATCH_AT __isolation_sites, JUMP, trap_common, isolated_trap_common, 5
PATCH_AT __isolation_sites, JUMP, trap_return, isolated_trap_return, 5
PATCH_AT __isolation_sites, JUMP, trap_paranoid, isolated_trap_paranoid, 5
