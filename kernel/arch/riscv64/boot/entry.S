# Where the boot loader enters: supervisor mode, no translation, a0 the number of this hart, a1 the devicetree's address
# (Linux, Documentation/arch/riscv/boot.rst and boot-image-header.rst). From here into the kernel half.

.set LINKED, -0x80000000            # layout::image_region
.set LARGE_PAGE_SHIFT, 21
.set IMAGE_PAGES, 16
# Page-table entries (privileged architecture, section 4.3.1)
.set TABLE, 1
.set MEMORY, 0xe7                   # D A G W R V
.set IMAGE, 0xef                    # D A G X W R V
.set SV48, 9
.set FLOATS_AND_VECTORS, 0x6600     # sstatus: FS, VS

.section .boot.header, "ax"
.option norvc
.global boot_entry
boot_entry:
    j boot_begin
    .word 0
    .quad 0x200000                  # where from the start of memory on the image wants to be
    .quad __image_end - boot_entry
    .quad 0                         # flags: little-endian
    .word 2                         # version 0.2 of this header
    .word 0
    .quad 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0

.section .boot.text, "ax"
boot_begin:
    csrw sie, zero
    csrci sstatus, 2
    li t0, FLOATS_AND_VECTORS
    csrc sstatus, t0
    la t0, has_begun
    li t1, 1
    amoswap.w t1, t1, (t0)
    bnez t1, boot_again
    mv s0, a0
    mv s1, a1
    la t0, boot_root                # the first of what the file does not hold
    la t1, __bss_end
1:  sd zero, (t0)
    addi t0, t0, 8
    bltu t0, t1, 1b

    # The first 512 GiB at the beginning of the direct map's region, the image where it was linked.
    la s2, boot_root
    la t0, boot_direct_map
    srli t1, t0, 2
    addi t1, t1, TABLE
    li t2, 256 * 8
    add t2, t2, s2
    sd t1, (t2)
    li t1, MEMORY
    li t2, 1 << 28                  # 1 GiB, as page number at its place in an entry
    li t3, 512
2:  sd t1, (t0)
    add t1, t1, t2
    addi t0, t0, 8
    addi t3, t3, -1
    bnez t3, 2b
    la t0, boot_image_pointers
    srli t1, t0, 2
    addi t1, t1, TABLE
    li t2, 511 * 8
    add t2, t2, s2
    sd t1, (t2)
    la t1, boot_image_directories
    srli t2, t1, 2
    addi t2, t2, TABLE
    li t3, 510 * 8
    add t3, t3, t0
    sd t2, (t3)
    li t4, 4096 / 4
    add t2, t2, t4
    sd t2, 8(t3)
    la s3, boot_entry               # where the image was loaded
    srli t0, s3, 2
    addi t0, t0, IMAGE
    li t2, 1 << (LARGE_PAGE_SHIFT - 2)
    li t3, IMAGE_PAGES
3:  sd t0, (t1)
    add t0, t0, t2
    addi t1, t1, 8
    addi t3, t3, -1
    bnez t3, 3b

    # With translation on, nothing is where the program counter points: the fetch faults, and goes on at stvec.
    la t0, boot_entry_high
    li t1, LINKED
    sub t1, t1, s3
    add t0, t0, t1
    csrw stvec, t0
    li t1, SV48
    slli t1, t1, 60
    srli t0, s2, 12
    or t0, t0, t1
    sfence.vma
    csrw satp, t0
    # The mode is not there: satp has not changed.
    la s0, refusal
boot_failure:
4:  lbu a0, (s0)
    beqz a0, 5f
    li a7, 1                        # SBI: legacy console putchar
    ecall
    addi s0, s0, 1
    j 4b
5:  li a7, 0x53525354               # SBI: system reset, type 0 shutdown, reason 1 system failure
    li a6, 0
    li a0, 0
    li a1, 1
    ecall
6:  wfi
    j 6b
refusal:
    .asciz "Bedrock needs a processor with four-level page tables (Sv48).\r\n"
early_fault:
    .asciz "Bedrock failed before it could say why.\r\n"
.balign 4
boot_faulted:
    la s0, early_fault
    j boot_failure

# OpenSBI 1.1 lets a hart that it is asked to start go before it has noted where, if that hart happens to be awake: it begins
# where the first one did.
boot_again:
    fence
    la a1, secondary_start
    ld t0, (a1)
    bnez t0, boot_secondary
7:  wfi                             # nobody has asked for it
    j 7b

.balign 4
boot_entry_high:
    la t0, boot_faulted
    csrw stvec, t0
    la sp, boot_stack_top
    li ra, 0
    mv a0, s0
    mv a1, s1
    mv a2, s3
    li s0, 0
    call boot_place
    ld t0, placed_address           # which has moved with the image
    jr t0
boot_entry_placed:
    la sp, boot_stack_top
    li s0, 0
    call boot_start
    unimp

# Where a CPU that firmware starts begins (SBI, hart state management, section 9.1): a0 is the hart, a1 the physical address
# of its SecondaryStart (smp.cc).
.global boot_secondary
boot_secondary:
    csrw sie, zero
    csrci sstatus, 2
    li t0, FLOATS_AND_VECTORS
    csrc sstatus, t0
    ld t0, 0(a1)                    # satp
    ld t1, 8(a1)                    # where to go on
    ld sp, 16(a1)
    ld tp, 24(a1)
    csrw stvec, t1
    sfence.vma
    csrw satp, t0
    unimp
.balign 4                           # as stvec wants it
.global boot_secondary_high
boot_secondary_high:
    call secondary_begin

.section .data, "aw"
.balign 8
placed_address: .quad boot_entry_placed
has_begun: .word 0

.section .bss.boot, "aw", @nobits
.balign 4096
.global boot_root
boot_root:              .skip 4096
boot_direct_map:        .skip 4096
boot_image_pointers:    .skip 4096
.global boot_image_directories
boot_image_directories: .skip 2 * 4096
boot_stack:             .skip 65536
.global boot_stack_top
boot_stack_top:
