// Accesses to the program's memory that survive faults. Bedrock sends a fault of any instruction between the two labels
// to guest_code_recovery, with every register but x0 as it was; x16 says where the routine in question goes on.
// All are leaf functions that keep to caller-saved registers and touch no stack, so "going on" is a jump. Where calls and
// jumps by register may lead is marked (BTI), with hints that older processors take for nothing.

    .macro entry name
    .type \name, %function
\name:
    hint #34                    // bti c
    .endm
    .macro landing
    hint #36                    // bti j
    .endm

    .section .text.guest_copy, "ax", %progbits
    .balign 64
    .globl guest_code_begin, guest_code_end, guest_code_recovery
    .globl guest_copy_method
    .globl guest_copy, guest_zero, guest_copy_string, guest_load_word, guest_compare_exchange_word

guest_code_begin:

// x0: to, x1: from, x2: count -> x0: bytes not copied; if any, x1: where in `to` the first of them belongs.
// Blocks of 64 first. A fault inside a block has left x9, x1 and x2 at the block's start; the byte loop then copies
// exactly what is accessible.
    entry guest_copy
    mov x9, x0
    adr x16, .Lcopy_bytes
.Lcopy_block:
    subs x3, x2, #64
    b.lo .Lcopy_words
    ldp x4, x5, [x1]
    ldp x6, x7, [x1, #16]
    ldp x10, x11, [x1, #32]
    ldp x12, x13, [x1, #48]
    stp x4, x5, [x9]
    stp x6, x7, [x9, #16]
    stp x10, x11, [x9, #32]
    stp x12, x13, [x9, #48]
    add x1, x1, #64
    add x9, x9, #64
    mov x2, x3
    b .Lcopy_block
.Lcopy_words:
    cmp x2, #8
    b.lo .Lcopy_bytes_next
    ldr x4, [x1]
    str x4, [x9]
    add x1, x1, #8
    add x9, x9, #8
    sub x2, x2, #8
    b .Lcopy_words
.Lcopy_bytes:
    landing
.Lcopy_bytes_next:
    adr x16, .Lcopy_failed
    cbz x2, .Lcopy_done
.Lcopy_byte:
    ldrb w4, [x1]
    strb w4, [x9]
    add x1, x1, #1
    add x9, x9, #1
    subs x2, x2, #1
    b.ne .Lcopy_byte
.Lcopy_done:
    mov x0, x2
    ret
.Lcopy_failed:
    landing
    mov x0, x2
    mov x1, x9
    ret
    .size guest_copy, . - guest_copy

// x0: to, x1: count -> x0: bytes not zeroed; if any, x1: where the first of them is.
    entry guest_zero
    mov x9, x0
    adr x16, .Lzero_bytes
.Lzero_pair:
    subs x3, x1, #16
    b.lo .Lzero_bytes_next
    stp xzr, xzr, [x9]
    add x9, x9, #16
    mov x1, x3
    b .Lzero_pair
.Lzero_bytes:
    landing
.Lzero_bytes_next:
    adr x16, .Lzero_failed
    cbz x1, .Lzero_done
.Lzero_byte:
    strb wzr, [x9]
    add x9, x9, #1
    subs x1, x1, #1
    b.ne .Lzero_byte
.Lzero_done:
    mov x0, x1
    ret
.Lzero_failed:
    landing
    mov x0, x1
    mov x1, x9
    ret
    .size guest_zero, . - guest_zero

// x0: to, x1: from, x2: limit -> x0: length without NUL; limit if there is none in as many bytes; -1 on a fault.
// Words first; what follows the NUL in the last one is copied too, into room that the caller owns. A word that reaches into
// an inaccessible page has changed nothing yet: the byte loop goes on from there and finds out whether the NUL comes before.
    entry guest_copy_string
    mov x9, x0
    mov x3, #0
    mov x10, #0x0101010101010101
    adr x16, .Lstring_bytes
.Lstring_word:
    add x4, x3, #8
    cmp x4, x2
    b.hi .Lstring_bytes_next
    ldr x5, [x1, x3]
    str x5, [x9, x3]
    sub x6, x5, x10
    bic x6, x6, x5
    ands x6, x6, #0x8080808080808080
    b.ne .Lstring_end_in_word
    mov x3, x4
    b .Lstring_word
.Lstring_end_in_word:
    rbit x6, x6
    clz x6, x6
    add x0, x3, x6, lsr #3
    ret
.Lstring_bytes:
    landing
.Lstring_bytes_next:
    adr x16, .Lstring_fault
.Lstring_byte:
    cmp x3, x2
    b.eq .Lstring_done
    ldrb w4, [x1, x3]
    cbz w4, .Lstring_done
    strb w4, [x9, x3]
    add x3, x3, #1
    b .Lstring_byte
.Lstring_done:
    mov x0, x3
    ret
.Lstring_fault:
    landing
    mov x0, #-1
    ret
    .size guest_copy_string, . - guest_copy_string

// x0: address, x1: where to put the word -> w0: 0, or 1 on a fault.
    entry guest_load_word
    adr x16, .Lword_fault
    ldr w2, [x0]
    str w2, [x1]
    mov w0, #0
    ret
    .size guest_load_word, . - guest_load_word

// x0: address, w1: expected, w2: desired, x3: where to put what the word was -> w0: 0, or 1 on a fault.
    entry guest_compare_exchange_word
    adr x16, .Lword_fault
.Lexchange_again:
    ldaxr w4, [x0]
    cmp w4, w1
    b.ne .Lexchange_differs
    stlxr w5, w2, [x0]
    cbnz w5, .Lexchange_again
    b .Lexchange_done
.Lexchange_differs:
    clrex
.Lexchange_done:
    str w4, [x3]
    mov w0, #0
    ret
    .size guest_compare_exchange_word, . - guest_compare_exchange_word

guest_code_end:

.Lword_fault:
    landing
    mov w0, #1
    ret

guest_code_recovery:
    br x16

    .section .data.guest_copy_method, "aw", %progbits
guest_copy_method: .byte 0
