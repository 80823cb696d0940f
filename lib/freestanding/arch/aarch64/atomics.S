// What the compiler calls for atomic operations (-moutline-atomics): one instruction where the processor has such (LSE), else a loop
// of exclusive loads and stores. __aarch64_have_lse_atomics says which; until somebody sets it, the loops work everywhere.
    .arch_extension lse

    .bss
    .globl __aarch64_have_lse_atomics
    .hidden __aarch64_have_lse_atomics
    .type __aarch64_have_lse_atomics, @object
    .size __aarch64_have_lse_atomics, 1
__aarch64_have_lse_atomics:
    .byte 0

// To the loop of this function unless the processor has the instruction.
.macro BEGIN name
    .section .text.\name, "ax", @progbits
    .balign 16
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    adrp x16, __aarch64_have_lse_atomics
    ldrb w16, [x16, :lo12:__aarch64_have_lse_atomics]
    cbz w16, 1f
.endm

// old value (r0) of *x2, which becomes r1 if it was r0
.macro COMPARE_AND_SWAP bytes, order, suffix, r, acquire, release
    BEGIN __aarch64_cas\bytes\()_\order
    cas\acquire\release\suffix \r\()0, \r\()1, [x2]
    ret
1:
  .if \bytes == 1
    uxtb w16, w0
  .elseif \bytes == 2
    uxth w16, w0
  .else
    mov \r\()16, \r\()0
  .endif
2:  ld\acquire\()xr\suffix \r\()0, [x2]
    cmp \r\()0, \r\()16
    b.ne 3f
    st\release\()xr\suffix w17, \r\()1, [x2]
    cbnz w17, 2b
3:  ret
.endm

// old value of *x1, which becomes r0
.macro SWAP bytes, order, suffix, r, acquire, release
    BEGIN __aarch64_swp\bytes\()_\order
    swp\acquire\release\suffix \r\()0, \r\()0, [x1]
    ret
1:  mov \r\()16, \r\()0
2:  ld\acquire\()xr\suffix \r\()0, [x1]
    st\release\()xr\suffix w17, \r\()16, [x1]
    cbnz w17, 2b
    ret
.endm

// old value of *x1, which is combined with r0
.macro COMBINE instruction, operation, bytes, order, suffix, r, acquire, release
    BEGIN __aarch64_\instruction\bytes\()_\order
    \instruction\acquire\release\suffix \r\()0, \r\()0, [x1]
    ret
1:  mov \r\()16, \r\()0
2:  ld\acquire\()xr\suffix \r\()0, [x1]
    \operation \r\()17, \r\()0, \r\()16
    st\release\()xr\suffix w15, \r\()17, [x1]
    cbnz w15, 2b
    ret
.endm

.macro ALL_OPERATIONS arguments:vararg
    COMPARE_AND_SWAP \arguments
    SWAP \arguments
    COMBINE ldadd, add, \arguments
    COMBINE ldclr, bic, \arguments
    COMBINE ldeor, eor, \arguments
    COMBINE ldset, orr, \arguments
.endm

.macro ALL_ORDERS bytes, suffix, r
    ALL_OPERATIONS \bytes, relax, \suffix, \r, ,
    ALL_OPERATIONS \bytes, acq, \suffix, \r, a,
    ALL_OPERATIONS \bytes, rel, \suffix, \r, , l
    ALL_OPERATIONS \bytes, acq_rel, \suffix, \r, a, l
.endm

ALL_ORDERS 1, b, w
ALL_ORDERS 2, h, w
ALL_ORDERS 4, , w
ALL_ORDERS 8, , x
