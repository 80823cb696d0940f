# Exceptions and interrupts: 256 stubs, one common path. The frame that is pushed is arch/trap_frame.h's TrapFrame.

#include "kernel/arch/x86_64/frame_registers.inc"

.set CPU_KERNEL_STACK, 8        # arch/per_cpu.h
.set FRAME_SIZE, 176            # arch/trap_frame.h

.section .text.entry, "ax"
.code64
.global trap_entry_start
trap_entry_start:

# Vectors with an error code: 8, 10-14, 17, 21, 29, 30 (Intel SDM volume 3, table 6-1).
.altmacro
.macro TRAP_STUB number
    .align 16
trap_stub_\number:
    .if (\number == 8) || ((\number >= 10) && (\number <= 14)) || (\number == 17) || (\number == 21) || (\number == 29) || (\number == 30)
    .else
    pushq $0
    .endif
    pushq $\number
    .if (\number == 2) || (\number == 8) || (\number == 18)
    jmp trap_paranoid
    .else
    jmp trap_common
    .endif
.endm

.set index, 0
.rept 256
    TRAP_STUB %index
    .set index, index + 1
.endr

.global trap_common
trap_common:
    testb $3, 24(%rsp)          # CS of the interrupted code
    jz trap_in_kernel_mode
    swapgs
    PUSH_REGISTERS
.global trap_on_stack
trap_on_stack:
    pushq $2                    # clears DF, AC (which lifts SMAP) and whatever else was set
    popfq
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_dispatch
.global trap_return
trap_return:
    testb $3, 144(%rsp)
    jz 1f
    swapgs
1:  POP_REGISTERS
    addq $16, %rsp              # vector and error code
    iretq

# The stacks of hosted code end where its process made them end. What follows has the thread's kernel stack, where nothing is meanwhile.
.set HOSTED_LENGTH_SHIFT, 43    # layout::hosted_length
.global trap_in_kernel_mode
trap_in_kernel_mode:
    PUSH_REGISTERS
    movq %rsp, %rax
    subq hosted_start_address(%rip), %rax
    shrq $HOSTED_LENGTH_SHIFT, %rax
    jnz trap_on_stack
    movq %rsp, %rsi
    movq %gs:CPU_KERNEL_STACK, %rsp
    .set offset, FRAME_SIZE
    .rept FRAME_SIZE / 8
    .set offset, offset - 8
    pushq offset(%rsi)
    .endr
    jmp trap_on_stack
.global trap_entry_end
trap_entry_end:

# NMI, double fault and machine check come on stacks of their own, perhaps between a syscall instruction and its swapgs, so
# GS may belong to either side. The word above each such stack holds the address of this CPU's data.
.global trap_paranoid
trap_paranoid:
    PUSH_REGISTERS
    pushq $2
    popfq
    movl $0xc0000101, %ecx      # IA32_GS_BASE
    rdmsr
    movl %eax, %r12d
    movl %edx, %r13d
    movq 176(%rsp), %rax        # the per-CPU address, right above the frame
    movq %rax, %rdx
    shrq $32, %rdx
    wrmsr
    movq %rsp, %rdi
    xorl %ebp, %ebp
    call trap_dispatch_paranoid
    movl $0xc0000101, %ecx
    movl %r12d, %eax
    movl %r13d, %edx
    wrmsr
    POP_REGISTERS
    addq $16, %rsp
    iretq

.section .rodata, "a"
.align 8
.global trap_stubs
trap_stubs:
.macro TRAP_STUB_ADDRESS number
    .quad trap_stub_\number
.endm
.set index, 0
.rept 256
    TRAP_STUB_ADDRESS %index
    .set index, index + 1
.endr
