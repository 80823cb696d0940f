# First instructions of Bedrock on x86_64: the PVH and Multiboot2 doors share one 32-bit entry, which builds early page
# tables, enters long mode and calls boot_start in the higher half.
#
# PVH: Xen's docs/misc/pvh.pandoc (entry state: 32-bit protected mode, flat segments, paging off, ebx = start info).
# Multiboot2: specification 2.0, section 3.2 (header tags) and 3.3 (machine state: eax = magic, ebx = information).

.set IMAGE_BASE, 0xffffffff80000000

.section .note.boot, "a", @note
    .align 4
    .long 4                     # name size
    .long 4                     # descriptor size
    .long 18                    # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long boot_entry_32 - IMAGE_BASE

.section .boot.header, "a"
    .align 8
multiboot2_header:
    .long 0xe85250d6
    .long 0                     # i386 protected mode
    .long multiboot2_header_end - multiboot2_header
    .long -(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
    # Entry address (tag 3): the ELF entry is a virtual address.
    .align 8
    .short 3, 0
    .long 12
    .long boot_entry_32 - IMAGE_BASE
    # Modules on page boundaries (tag 6), so that the boot archive can be mapped in place.
    .align 8
    .short 6, 0
    .long 8
    .align 8
    .short 0, 0
    .long 8
multiboot2_header_end:

.section .boot.text, "ax"
.code32
.global boot_entry_32
boot_entry_32:
    cli
    cld
    movl %eax, %esi             # Multiboot2 magic, or anything for PVH
    movl %ebx, %edi             # start info
    movl $(boot_stack_top - IMAGE_BASE), %esp

    # Directories: four page directories identity-map 4 GiB with 2 MiB pages.
    movl $(boot_directories - IMAGE_BASE), %eax
    movl $0x83, %edx            # present, writable, large
    xorl %ecx, %ecx
1:  movl %edx, (%eax,%ecx,8)
    movl $0, 4(%eax,%ecx,8)
    addl $0x200000, %edx
    incl %ecx
    cmpl $2048, %ecx
    jne 1b

    # The image's first 32 MiB where it was linked; boot_place adds the place that it chooses.
    movl $0x83, %edx
    xorl %ecx, %ecx
2:  movl %edx, boot_image_directories - IMAGE_BASE(,%ecx,8)
    addl $0x200000, %edx
    incl %ecx
    cmpl $16, %ecx
    jne 2b

    # One pointer table serves the identity map and the direct map; the image's shows the top 2 GiB.
    movl $(boot_image_directories - IMAGE_BASE + 3), %eax
    movl %eax, boot_pointers_high - IMAGE_BASE + 510*8
    addl $4096, %eax
    movl %eax, boot_pointers_high - IMAGE_BASE + 511*8
    movl $(boot_directories - IMAGE_BASE + 3), %eax
    movl %eax, boot_pointers_low - IMAGE_BASE + 0
    addl $4096, %eax
    movl %eax, boot_pointers_low - IMAGE_BASE + 8
    addl $4096, %eax
    movl %eax, boot_pointers_low - IMAGE_BASE + 16
    addl $4096, %eax
    movl %eax, boot_pointers_low - IMAGE_BASE + 24
    movl $(boot_pointers_low - IMAGE_BASE + 3), %eax
    movl %eax, boot_root - IMAGE_BASE + 0
    movl %eax, boot_root - IMAGE_BASE + 256*8
    movl $(boot_pointers_high - IMAGE_BASE + 3), %eax
    movl %eax, boot_root - IMAGE_BASE + 511*8

    movl $0x6a0, %eax           # PAE, PGE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $(boot_root - IMAGE_BASE), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx      # EFER: SCE, LME, NXE
    movl $0x901, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80050033, %eax      # CR0: PG, AM, WP, NE, ET, MP, PE
    movl %eax, %cr0
    lgdt boot_gdt_pointer - IMAGE_BASE
    ljmpl $0x08, $(boot_entry_64 - IMAGE_BASE)

.code64
boot_entry_64:
    movabsq $boot_entry_high, %rax
    jmpq *%rax

.align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 64-bit code
    .quad 0x00cf93000000ffff    # data
boot_gdt_pointer:
    .short . - boot_gdt - 1
    .long boot_gdt - IMAGE_BASE
    .long 0

.section .text, "ax"
.code64
boot_entry_high:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    movl %edi, %edi             # start info, zero-extended: second argument
    xchgq %rdi, %rsi            # boot_place(magic, info)
    movl %edi, %edi
    call boot_place
    # The code below has changed, seen through another address: a serialising instruction is due.
    movq %cr3, %rax
    movq %rax, %cr3
    movabsq $boot_entry_placed, %rax
    jmpq *%rax
boot_entry_placed:
    movq $boot_stack_top, %rsp
    xorl %ebp, %ebp
    call boot_start
    ud2

.section .bss.boot, "aw", @nobits
.align 4096
.global boot_root
boot_root:          .skip 4096
boot_pointers_low:  .skip 4096
boot_pointers_high: .skip 4096
boot_directories:   .skip 4 * 4096
.global boot_image_directories
boot_image_directories: .skip 2 * 4096
boot_stack:         .skip 65536
.global boot_stack_top
boot_stack_top:
