# Where application processors begin: real mode, at a page below 1 MiB to which this code is copied. It walks the same way as
# entry.S, with the early page tables, and ends in secondary_start on a stack of its own.
# (Intel SDM volume 3, section 8.4: multiple-processor initialization.)

.set BASE, 0x8000
.section .rodata.trampoline, "a"
.code16
.global trampoline_start
trampoline_start:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl BASE + (trampoline_gdt_pointer - trampoline_start)
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    ljmpl $0x18, $(BASE + (trampoline_32 - trampoline_start))

.code32
trampoline_32:
    movw $0x10, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    movl $0x6a0, %eax           # PAE, PGE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl BASE + (trampoline_root - trampoline_start), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      # EFER: SCE, LME, NXE
    movl $0x901, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80050033, %eax
    movl %eax, %cr0
    ljmpl $0x08, $(BASE + (trampoline_64 - trampoline_start))

.code64
trampoline_64:
    movl $0x10, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq BASE + (trampoline_stack - trampoline_start), %rsp
    movq BASE + (trampoline_cpu - trampoline_start), %rdi
    xorl %ebp, %ebp
    movabsq $secondary_start, %rax
    callq *%rax
    ud2

.align 8
trampoline_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 64-bit code
    .quad 0x00cf93000000ffff    # data
    .quad 0x00cf9b000000ffff    # 32-bit code
trampoline_gdt_pointer:
    .short . - trampoline_gdt - 1
    .long BASE + (trampoline_gdt - trampoline_start)

# Filled in for each CPU (struct TrampolineParameters in smp.cc).
.align 8
.global trampoline_parameters
trampoline_parameters:
trampoline_root:   .quad 0
trampoline_stack:  .quad 0
trampoline_cpu:    .quad 0
.global trampoline_end
trampoline_end:
