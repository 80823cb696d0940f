// bool astrata_copy_user(void* to, void const* from, size_t count): memcpy that survives faults on user memory.
//
// With PAN, user pages are reachable only while PSTATE.PAN is clear (Arm ARM DDI 0487, section D8.4.2); exceptions set it, and eret brings
// it back.
.arch armv8.1-a

.macro may_fault instruction:vararg
77: \instruction
    .pushsection __exception_table, "a", @progbits
    .balign 8
    .quad 77b, copy_failed
    .popsection
.endm

.section .text.astrata_copy_user, "ax", @progbits
.global astrata_copy_user
.type astrata_copy_user, @function
.balign 16
astrata_copy_user:
    bti c
    adrp x9, astrata_has_pan
    ldrb w9, [x9, :lo12:astrata_has_pan]
    cbz w9, 1f
    msr pan, #0
1:  subs x2, x2, #64
    b.lo 3f
.balign 16
2:  may_fault ldp x3, x4, [x1]
    may_fault ldp x5, x6, [x1, #16]
    may_fault ldp x7, x8, [x1, #32]
    may_fault ldp x10, x11, [x1, #48]
    may_fault stp x3, x4, [x0]
    may_fault stp x5, x6, [x0, #16]
    may_fault stp x7, x8, [x0, #32]
    may_fault stp x10, x11, [x0, #48]
    add x1, x1, #64
    add x0, x0, #64
    subs x2, x2, #64
    b.hs 2b
3:  adds x2, x2, #56            // what is left, less 8
    b.mi 5f
4:  may_fault ldr x3, [x1]
    may_fault str x3, [x0]
    add x1, x1, #8
    add x0, x0, #8
    subs x2, x2, #8
    b.pl 4b
5:  adds x2, x2, #8
    b.eq 7f
6:  may_fault ldrb w3, [x1], #1
    may_fault strb w3, [x0], #1
    subs x2, x2, #1
    b.ne 6b
7:  mov w0, #1
8:  cbz w9, 9f
    msr pan, #1
9:  ret
copy_failed:
    mov w0, #0
    b 8b
.size astrata_copy_user, . - astrata_copy_user

// Set by the boot CPU when it enables PAN.
.section .data.astrata_has_pan, "aw", @progbits
.global astrata_has_pan
.type astrata_has_pan, @object
astrata_has_pan: .byte 0
.size astrata_has_pan, 1
