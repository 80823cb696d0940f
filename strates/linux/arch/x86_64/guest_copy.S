// Accesses to the program's memory that survive faults. Bedrock sends a fault of any instruction between the two labels
// to guest_code_recovery, with every register but rax as it was; r11 says where the routine in question goes on.
// All are leaf functions that keep to caller-saved registers and touch no stack, so "going on" is a jump.

    .intel_syntax noprefix
    .section .text.guest_copy, "ax", @progbits
    .balign 64
    .globl guest_code_begin, guest_code_end, guest_code_recovery
    .globl guest_copy_method
    .globl guest_copy, guest_zero, guest_copy_string, guest_load_word, guest_compare_exchange_word
    .globl guest_save_vector_state, guest_load_vector_state

guest_code_begin:

// rdi: to, rsi: from, rdx: count -> rax: bytes not copied; if any, rdx: where in `to` the first of them belongs.
// Long copies by whatever instructions are fastest here. Else blocks of 64 first. A fault inside a block has left rsi, rdi and rdx at
// the block's start; the byte loop then copies exactly what is accessible.
    .type guest_copy, @function
guest_copy:
    cmp rdx, 256
    jae .Lcopy_string
.Lcopy_unrolled:
    lea r11, [rip + .Lcopy_bytes]
    mov rcx, rdx
    shr rcx, 6
    jz .Lcopy_words
.Lcopy_block:
    mov rax, [rsi]
    mov r8, [rsi + 8]
    mov r9, [rsi + 16]
    mov r10, [rsi + 24]
    mov [rdi], rax
    mov [rdi + 8], r8
    mov [rdi + 16], r9
    mov [rdi + 24], r10
    mov rax, [rsi + 32]
    mov r8, [rsi + 40]
    mov r9, [rsi + 48]
    mov r10, [rsi + 56]
    mov [rdi + 32], rax
    mov [rdi + 40], r8
    mov [rdi + 48], r9
    mov [rdi + 56], r10
    add rsi, 64
    add rdi, 64
    sub rdx, 64
    dec rcx
    jnz .Lcopy_block
.Lcopy_words:
    cmp rdx, 16
    jb .Lcopy_word
.Lcopy_pair:
    mov rax, [rsi]
    mov r8, [rsi + 8]
    mov [rdi], rax
    mov [rdi + 8], r8
    add rsi, 16
    add rdi, 16
    sub rdx, 16
    cmp rdx, 16
    jae .Lcopy_pair
.Lcopy_word:
    cmp rdx, 8
    jb .Lcopy_half
    mov rax, [rsi]
    mov [rdi], rax
    add rsi, 8
    add rdi, 8
    sub rdx, 8
.Lcopy_half:
    cmp rdx, 4
    jb .Lcopy_bytes
    mov eax, [rsi]
    mov [rdi], eax
    add rsi, 4
    add rdi, 4
    sub rdx, 4
.Lcopy_bytes:
    lea r11, [rip + .Lcopy_failed]
    test rdx, rdx
    jz .Lcopy_done
.Lcopy_byte:
    movzx eax, byte ptr [rsi]
    mov [rdi], al
    inc rsi
    inc rdi
    dec rdx
    jnz .Lcopy_byte
.Lcopy_done:
    mov rax, rdx
    ret
.Lcopy_string:
    cmp byte ptr [rip + guest_copy_method], 1
    jb .Lcopy_unrolled
    mov rcx, rdx
    ja .Lcopy_string_bytes
    lea r11, [rip + .Lcopy_string_fault]
    shr rcx, 3
    and edx, 7
    rep movsq
    jmp .Lcopy_bytes
.Lcopy_string_fault:
    lea rdx, [rdx + rcx * 8]
    jmp .Lcopy_bytes
.Lcopy_string_bytes:
    lea r11, [rip + .Lcopy_string_bytes_fault]
    rep movsb
.Lcopy_string_bytes_fault:
    mov rax, rcx
    mov rdx, rdi
    ret
.Lcopy_failed:
    mov rax, rdx
    mov rdx, rdi
    ret
    .size guest_copy, . - guest_copy

// rdi: to, rsi: count -> rax: bytes not zeroed; if any, rdx: where the first of them is.
    .type guest_zero, @function
guest_zero:
    lea r11, [rip + .Lzero_bytes]
    xor edx, edx
.Lzero_words:
    cmp rsi, 8
    jb .Lzero_bytes
    mov [rdi], rdx
    add rdi, 8
    sub rsi, 8
    jmp .Lzero_words
.Lzero_bytes:
    lea r11, [rip + .Lzero_failed]
    test rsi, rsi
    jz .Lzero_done
.Lzero_byte:
    mov [rdi], dl
    inc rdi
    dec rsi
    jnz .Lzero_byte
.Lzero_done:
    mov rax, rsi
    ret
.Lzero_failed:
    mov rax, rsi
    mov rdx, rdi
    ret
    .size guest_zero, . - guest_zero

// rdi: to, rsi: from, rdx: limit -> rax: length without NUL; limit if there is none in as many bytes; -1 on a fault.
// Words first; what follows the NUL in the last one is copied too, into room that the caller owns. A word that reaches into
// an inaccessible page has changed nothing yet: the byte loop goes on from there and finds out whether the NUL comes before.
    .type guest_copy_string, @function
guest_copy_string:
    lea r11, [rip + .Lstring_bytes]
    xor ecx, ecx
    movabs r8, 0x0101010101010101
    mov r9, r8
    shl r9, 7
.Lstring_word:
    lea rax, [rcx + 8]
    cmp rax, rdx
    ja .Lstring_bytes
    mov r10, [rsi + rcx]
    mov [rdi + rcx], r10
    mov rax, r10
    sub rax, r8
    not r10
    and rax, r10
    and rax, r9
    jnz .Lstring_end_in_word
    add rcx, 8
    jmp .Lstring_word
.Lstring_end_in_word:
    bsf rax, rax
    shr eax, 3
    add rax, rcx
    ret
.Lstring_bytes:
    lea r11, [rip + .Lstring_fault]
.Lstring_byte:
    cmp rcx, rdx
    je .Lstring_done
    movzx eax, byte ptr [rsi + rcx]
    test al, al
    jz .Lstring_done
    mov [rdi + rcx], al
    inc rcx
    jmp .Lstring_byte
.Lstring_done:
    mov rax, rcx
    ret
.Lstring_fault:
    mov rax, -1
    ret
    .size guest_copy_string, . - guest_copy_string

// rdi: address, rsi: where to put the word -> eax: 0, or 1 on a fault.
    .type guest_load_word, @function
guest_load_word:
    lea r11, [rip + .Lword_fault]
    mov edx, [rdi]
    mov [rsi], edx
    xor eax, eax
    ret
    .size guest_load_word, . - guest_load_word

// rdi: address, esi: expected, edx: desired, rcx: where to put what the word was -> eax: 0, or 1 on a fault.
    .type guest_compare_exchange_word, @function
guest_compare_exchange_word:
    lea r11, [rip + .Lword_fault]
    mov eax, esi
    lock cmpxchg [rdi], edx
    mov [rcx], eax
    xor eax, eax
    ret
    .size guest_compare_exchange_word, . - guest_compare_exchange_word

// The program's vector state is in the registers while its thread runs our code, which uses none of them. Both routines
// work on all components that the system has switched on. The area as signal frames have it (signal/frame.h):
    .set AREA_MAGIC, 464
    .set AREA_EXTENDED_SIZE, 468
    .set AREA_COMPONENTS, 472
    .set AREA_SIZE, 480
    .set AREA_HEADER, 512
    .set MAGIC_FIRST, 0x46505853
    .set MAGIC_SECOND, 0x46505845

// rdi: to, rsi: bytes of an XSAVE area, rdx: components it can carry -> eax: 0, or 1 on a fault.
    .type guest_save_vector_state, @function
guest_save_vector_state:
    lea r11, [rip + .Lword_fault]
    mov r8, rdx
    xor ecx, ecx
    .set place, 0
    .rept 8                     // XSAVE leaves what is reserved in the header as it was, and XRSTOR wants it to be 0
    mov [rdi + AREA_HEADER + place], rcx
    .set place, place + 8
    .endr
    mov eax, -1
    mov edx, -1
    xsave64 [rdi]
    mov dword ptr [rdi + AREA_MAGIC], MAGIC_FIRST
    lea eax, [rsi + 4]
    mov [rdi + AREA_EXTENDED_SIZE], eax
    mov [rdi + AREA_COMPONENTS], r8
    mov [rdi + AREA_SIZE], rsi
    .set place, AREA_SIZE + 8
    .rept 3
    mov [rdi + place], rcx
    .set place, place + 8
    .endr
    mov dword ptr [rdi + rsi], MAGIC_SECOND
    xor eax, eax
    ret
    .size guest_save_vector_state, . - guest_save_vector_state

// rdi: from, rsi: bytes of an XSAVE area -> eax: 0, or 1 if it is not one of just this size, cannot be read, or holds
// what the processor refuses.
    .type guest_load_vector_state, @function
guest_load_vector_state:
    lea r11, [rip + .Lword_fault]
    cmp dword ptr [rdi + AREA_MAGIC], MAGIC_FIRST
    jne .Lword_fault
    lea eax, [rsi + 4]
    cmp [rdi + AREA_EXTENDED_SIZE], eax
    jne .Lword_fault
    cmp [rdi + AREA_SIZE], esi
    jne .Lword_fault
    cmp dword ptr [rdi + rsi], MAGIC_SECOND
    jne .Lword_fault
    mov eax, -1
    mov edx, -1
    xrstor64 [rdi]
    xor eax, eax
    ret
    .size guest_load_vector_state, . - guest_load_vector_state

guest_code_end:

.Lword_fault:
    mov eax, 1
    ret

guest_code_recovery:
    jmp r11

    .section .data.guest_copy_method, "aw", @progbits
guest_copy_method: .byte 0
