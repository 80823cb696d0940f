# bool astrata_copy_user(void* to, void const* from, size_t count): memcpy that survives faults on user memory.
#
# Eight-byte moves, unrolled, or for long copies whatever choose_copy_method found to be faster.
# Budget: 540 instructions for 4 KiB with string instructions, 1,060 without (pread_4k watches them).
# With SMAP, user pages are reachable only between stac and clac (Intel SDM volume 3, section 4.6); trap entry clears AC,
# and iretq brings it back.

.macro may_fault instruction:vararg
77: \instruction
    .pushsection __exception_table, "a", @progbits
    .quad 77b, copy_failed
    .popsection
.endm

.section .text.astrata_copy_user, "ax", @progbits
.global astrata_copy_user
.type astrata_copy_user, @function
.balign 16
astrata_copy_user:
    cmpb $0, astrata_has_smap(%rip)
    je 1f
    stac
1:  cmpq $256, %rdx
    jae string_copy
    cmpq $64, %rdx
    jb 3f
.balign 16
2:  may_fault movq 0(%rsi), %rax
    may_fault movq 8(%rsi), %rcx
    may_fault movq 16(%rsi), %r8
    may_fault movq 24(%rsi), %r9
    may_fault movq %rax, 0(%rdi)
    may_fault movq %rcx, 8(%rdi)
    may_fault movq %r8, 16(%rdi)
    may_fault movq %r9, 24(%rdi)
    may_fault movq 32(%rsi), %rax
    may_fault movq 40(%rsi), %rcx
    may_fault movq 48(%rsi), %r8
    may_fault movq 56(%rsi), %r9
    may_fault movq %rax, 32(%rdi)
    may_fault movq %rcx, 40(%rdi)
    may_fault movq %r8, 48(%rdi)
    may_fault movq %r9, 56(%rdi)
    addq $64, %rsi
    addq $64, %rdi
    subq $64, %rdx
    cmpq $64, %rdx
    jae 2b
3:  cmpq $8, %rdx
    jb 5f
4:  may_fault movq (%rsi), %rax
    may_fault movq %rax, (%rdi)
    addq $8, %rsi
    addq $8, %rdi
    subq $8, %rdx
    cmpq $8, %rdx
    jae 4b
5:  testq %rdx, %rdx
    jz 7f
6:  may_fault movb (%rsi), %al
    may_fault movb %al, (%rdi)
    incq %rsi
    incq %rdi
    decq %rdx
    jnz 6b
7:  movl $1, %eax
8:  cmpb $0, astrata_has_smap(%rip)
    je 9f
    clac
9:  ret
string_copy:
    cmpb $1, astrata_copy_method(%rip)
    jb 2b
    movq %rdx, %rcx
    ja 1f
    shrq $3, %rcx
    may_fault rep movsq
    andl $7, %edx
    jmp 5b
1:  may_fault rep movsb
    jmp 7b
copy_failed:
    xorl %eax, %eax
    jmp 8b
.size astrata_copy_user, . - astrata_copy_user

# Set by the boot CPU when it enables SMAP.
.section .data.astrata_has_smap, "aw", @progbits
.global astrata_has_smap
.type astrata_has_smap, @object
astrata_has_smap: .byte 0
.size astrata_has_smap, 1
