# bool astrata_copy_user(void* to, void const* from, size_t count): memcpy that survives faults on user memory.
#
# Eight-byte moves, unrolled, if both sides are aligned alike: not every processor does better with the others than bytes.
# User pages are reachable only while sstatus.SUM is set (privileged architecture, section 4.1.1.2); trap entry clears it, and
# the return from a trap brings it back.
# Budget: 1,090 instructions for 4 KiB.

.set USER_MEMORY, 1 << 18

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
    li a7, USER_MEMORY
    csrs sstatus, a7
    xor t0, a0, a1
    andi t0, t0, 7
    bnez t0, bytes
    # Bytes up to the next word.
1:  andi t0, a0, 7
    beqz t0, 2f
    beqz a2, done
    may_fault lb t1, (a1)
    may_fault sb t1, (a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j 1b
2:  li t0, 64
    bltu a2, t0, 4f
.balign 16
3:  may_fault ld t1, 0(a1)
    may_fault ld t2, 8(a1)
    may_fault ld t3, 16(a1)
    may_fault ld t4, 24(a1)
    may_fault sd t1, 0(a0)
    may_fault sd t2, 8(a0)
    may_fault sd t3, 16(a0)
    may_fault sd t4, 24(a0)
    may_fault ld t1, 32(a1)
    may_fault ld t2, 40(a1)
    may_fault ld t3, 48(a1)
    may_fault ld t4, 56(a1)
    may_fault sd t1, 32(a0)
    may_fault sd t2, 40(a0)
    may_fault sd t3, 48(a0)
    may_fault sd t4, 56(a0)
    addi a1, a1, 64
    addi a0, a0, 64
    addi a2, a2, -64
    bgeu a2, t0, 3b
4:  li t0, 8
5:  bltu a2, t0, bytes
    may_fault ld t1, (a1)
    may_fault sd t1, (a0)
    addi a1, a1, 8
    addi a0, a0, 8
    addi a2, a2, -8
    j 5b
bytes:
    beqz a2, done
6:  may_fault lb t1, (a1)
    may_fault sb t1, (a0)
    addi a1, a1, 1
    addi a0, a0, 1
    addi a2, a2, -1
    bnez a2, 6b
done:
    li a0, 1
7:  csrc sstatus, a7
    ret
copy_failed:
    li a0, 0
    j 7b
.size astrata_copy_user, . - astrata_copy_user
