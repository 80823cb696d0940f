// Accesses to the program's memory that survive faults. Bedrock sends a fault of any instruction between the two labels
// to guest_code_recovery, with every register but a0 as it was; t6 says where the routine in question goes on.
// All are leaf functions that keep to caller-saved registers and touch no stack, so "going on" is a jump. Words are only
// read and written where they are aligned: others may be slow, or more than the processor can.

    .section .text.guest_copy, "ax", @progbits
    .balign 64
    .globl guest_code_begin, guest_code_end, guest_code_recovery
    .globl guest_copy_method
    .globl guest_copy, guest_zero, guest_copy_string, guest_load_word, guest_compare_exchange_word

guest_code_begin:

// a0: to, a1: from, a2: count -> a0: bytes not copied; if any, a1: where in `to` the first of them belongs.
// Bytes up to an aligned place, then blocks of 64. A fault inside a block has left t5, a1 and a2 at the block's start; the
// byte loop then copies exactly what is accessible.
    .type guest_copy, @function
guest_copy:
    mv t5, a0
    xor t0, a0, a1
    andi t0, t0, 7
    bnez t0, .Lcopy_bytes
    lla t6, .Lcopy_failed
.Lcopy_head:
    andi t0, t5, 7
    beqz t0, .Lcopy_aligned
    beqz a2, .Lcopy_done
    lb t0, 0(a1)
    sb t0, 0(t5)
    addi a1, a1, 1
    addi t5, t5, 1
    addi a2, a2, -1
    j .Lcopy_head
.Lcopy_aligned:
    lla t6, .Lcopy_bytes
    li t4, 64
.Lcopy_block:
    bltu a2, t4, .Lcopy_aligned_words
    ld t0, 0(a1)
    ld t1, 8(a1)
    ld t2, 16(a1)
    ld t3, 24(a1)
    ld a3, 32(a1)
    ld a4, 40(a1)
    ld a5, 48(a1)
    ld a6, 56(a1)
    sd t0, 0(t5)
    sd t1, 8(t5)
    sd t2, 16(t5)
    sd t3, 24(t5)
    sd a3, 32(t5)
    sd a4, 40(t5)
    sd a5, 48(t5)
    sd a6, 56(t5)
    addi a1, a1, 64
    addi t5, t5, 64
    addi a2, a2, -64
    j .Lcopy_block
.Lcopy_aligned_words:
    li t4, 8
.Lcopy_word:
    bltu a2, t4, .Lcopy_bytes
    ld t0, 0(a1)
    sd t0, 0(t5)
    addi a1, a1, 8
    addi t5, t5, 8
    addi a2, a2, -8
    j .Lcopy_word
.Lcopy_bytes:
    lla t6, .Lcopy_failed
    beqz a2, .Lcopy_done
.Lcopy_byte:
    lb t0, 0(a1)
    sb t0, 0(t5)
    addi a1, a1, 1
    addi t5, t5, 1
    addi a2, a2, -1
    bnez a2, .Lcopy_byte
.Lcopy_done:
.Lcopy_failed:
    mv a0, a2
    mv a1, t5
    ret
    .size guest_copy, . - guest_copy

// a0: to, a1: count -> a0: bytes not zeroed; if any, a1: where the first of them is.
    .type guest_zero, @function
guest_zero:
    mv t5, a0
    lla t6, .Lzero_done
.Lzero_head:
    beqz a1, .Lzero_done
    andi t0, t5, 7
    beqz t0, .Lzero_aligned
    sb zero, 0(t5)
    addi t5, t5, 1
    addi a1, a1, -1
    j .Lzero_head
.Lzero_aligned:
    li t4, 8
.Lzero_word:
    bltu a1, t4, .Lzero_bytes
    sd zero, 0(t5)
    addi t5, t5, 8
    addi a1, a1, -8
    j .Lzero_word
.Lzero_bytes:
    beqz a1, .Lzero_done
    sb zero, 0(t5)
    addi t5, t5, 1
    addi a1, a1, -1
    j .Lzero_bytes
.Lzero_done:
    mv a0, a1
    mv a1, t5
    ret
    .size guest_zero, . - guest_zero

// a0: to, a1: from, a2: limit -> a0: length without NUL; limit if there is none in as many bytes; -1 on a fault.
    .type guest_copy_string, @function
guest_copy_string:
    mv t5, a0
    mv t1, a0
    add t2, a0, a2
    lla t6, .Lstring_fault
.Lstring_byte:
    beq t5, t2, .Lstring_done
    lbu t0, 0(a1)
    beqz t0, .Lstring_done
    sb t0, 0(t5)
    addi a1, a1, 1
    addi t5, t5, 1
    j .Lstring_byte
.Lstring_done:
    sub a0, t5, t1
    ret
.Lstring_fault:
    li a0, -1
    ret
    .size guest_copy_string, . - guest_copy_string

// a0: address, a1: where to put the word -> a0: 0, or 1 on a fault.
    .type guest_load_word, @function
guest_load_word:
    lla t6, .Lword_fault
    lw t0, 0(a0)
    sw t0, 0(a1)
    li a0, 0
    ret
    .size guest_load_word, . - guest_load_word

// a0: address, a1: expected, a2: desired, a3: where to put what the word was -> a0: 0, or 1 on a fault.
    .type guest_compare_exchange_word, @function
guest_compare_exchange_word:
    lla t6, .Lword_fault
    sext.w a1, a1
.Lexchange_again:
    lr.w.aqrl t0, (a0)
    bne t0, a1, .Lexchange_done
    sc.w.rl t1, a2, (a0)
    bnez t1, .Lexchange_again
.Lexchange_done:
    sw t0, 0(a3)
    li a0, 0
    ret
    .size guest_compare_exchange_word, . - guest_compare_exchange_word

guest_code_end:

.Lword_fault:
    li a0, 1
    ret

guest_code_recovery:
    jr t6

    .section .data.guest_copy_method, "aw", @progbits
guest_copy_method: .byte 0
