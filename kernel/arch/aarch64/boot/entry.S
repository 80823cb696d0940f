// First instructions of Bedrock on aarch64, at an address of the loader's choice: the Linux Image protocol (Linux,
// Documentation/arch/arm64/booting.rst): MMU off, x0 = physical address of the devicetree, EL2 or EL1. Builds early page tables, turns the
// MMU on and calls boot_place, then boot_start in the place that it has chosen. Other processors come through here, too (smp.cc).

#include "kernel/arch/aarch64/control_registers.h"
#include "kernel/arch/aarch64/frame_registers.inc"

.set NORMAL_BLOCK, 0x701        // valid, accessed, inner shareable, attribute 0
.set DEVICE_BLOCK, 0x405        // valid, accessed, attribute 1
.set TABLE, 3
.set EARLY_IMAGE_BLOCKS, 16     // 2 MiB each (boot/start.cc)

.macro LOAD_CONSTANT register, value
    movz \register, #((\value) & 0xffff)
    movk \register, #(((\value) >> 16) & 0xffff), lsl #16
.endm

.section .boot.header, "ax"
.global boot_entry
boot_entry:
    b boot_begin
    .long 0
    .quad 0                     // text_offset
    .quad __image_bytes
    .quad 0xa                   // little-endian, 4 KiB pages, anywhere in memory
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

.section .boot.text, "ax"
boot_begin:
    mov x19, x0
    bl enter_el1

    // Whatever follows the file's contents in memory is not ours yet.
    adrp x0, boot_bss_start
    adrp x1, __bss_end
1:  stp xzr, xzr, [x0]
    stp xzr, xzr, [x0, #16]
    stp xzr, xzr, [x0, #32]
    stp xzr, xzr, [x0, #48]
    dc ivac, x0                 // nobody is to find in a cache what was there before
    add x0, x0, #64
    cmp x0, x1
    b.lo 1b

    adrp x20, boot_entry        // the image's physical address
    adrp x21, boot_root
    adrp x22, boot_pointers_high

    // The gigabyte that this code is in, where it is.
    LOAD_CONSTANT x9, NORMAL_BLOCK
    LOAD_CONSTANT x10, DEVICE_BLOCK
    movk x10, #0x60, lsl #48    // UXN, PXN
    adrp x0, boot_pointers_low
    orr x1, x0, #TABLE
    ubfx x2, x20, #39, #8
    str x1, [x21, x2, lsl #3]
    ubfx x2, x20, #30, #9
    lsr x3, x20, #30
    lsl x3, x3, #30
    orr x3, x3, x9
    str x3, [x0, x2, lsl #3]

    // The direct map's first 4 GiB: devices, until boot_place knows which are memory; but for this image and the devicetree.
    adrp x0, boot_pointers_direct
    orr x1, x0, #TABLE
    str x1, [x21, #256 * 8]
    mov x2, #0
2:  lsl x3, x2, #30
    orr x3, x3, x10
    str x3, [x0, x2, lsl #3]
    add x2, x2, #1
    cmp x2, #4
    b.lo 2b
    lsr x2, x20, #30
    bl show_gigabyte
    lsr x2, x19, #30
    bl show_gigabyte

    // The image where it was linked; boot_place adds the place that it chooses. Below it, the console's registers.
    orr x1, x22, #TABLE
    str x1, [x21, #511 * 8]
    adrp x0, boot_image_directories
    orr x1, x0, #TABLE
    str x1, [x22, #510 * 8]
    add x1, x1, #4096
    str x1, [x22, #511 * 8]
    orr x1, x20, x9
    mov x2, #0
3:  str x1, [x0, x2, lsl #3]
    add x1, x1, #0x200000
    add x2, x2, #1
    cmp x2, #EARLY_IMAGE_BLOCKS
    b.lo 3b
    adrp x0, boot_console_directory
    orr x1, x0, #TABLE
    str x1, [x22]

    mov x0, x21
    bl enable_translation
    ldr x0, =boot_entry_high
    br x0

// x2: which gigabyte; x0, x9: boot_pointers_direct, NORMAL_BLOCK
show_gigabyte:
    cmp x2, #4
    b.hs 1f
    lsl x3, x2, #30
    orr x3, x3, x9
    str x3, [x0, x2, lsl #3]
1:  ret

// Interrupts stay off. From EL2, which is left to nobody: EL1 gets all timers, floating point and interrupt registers.
enter_el1:
    msr daifset, #15
    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    b.eq 1f
    msr spsel, #1
    isb
    ret
1:  mov x0, #(1 << 31)          // HCR_EL2.RW: EL1 is 64-bit
    msr hcr_el2, x0
    isb
    mov x0, #3                  // CNTHCTL_EL2: EL1PCTEN, EL1PCEN
    msr cnthctl_el2, x0
    msr cntvoff_el2, xzr
    mov x0, #0x32ff             // CPTR_EL2: no traps
    msr cptr_el2, x0
    msr hstr_el2, xzr
    msr vttbr_el2, xzr
    mrs x0, midr_el1
    msr vpidr_el2, x0
    mrs x0, mpidr_el1
    msr vmpidr_el2, x0
    mrs x0, id_aa64pfr0_el1
    ubfx x0, x0, #24, #4        // GIC system registers
    cbz x0, 2f
    mrs x0, s3_4_c12_c9_5       // ICC_SRE_EL2: SRE, Enable
    orr x0, x0, #1
    orr x0, x0, #8
    msr s3_4_c12_c9_5, x0
    isb
    msr s3_4_c12_c11_0, xzr     // ICH_HCR_EL2
2:  LOAD_CONSTANT x0, 0x30d00800   // SCTLR_EL1 with the MMU off
    msr sctlr_el1, x0
    mov x0, #0x3c5              // EL1h, all masked
    msr spsr_el2, x0
    msr elr_el2, x30
    eret

// x0: the root whose first half shows this code where it is, and whose second half is the kernel's
enable_translation:
    LOAD_CONSTANT x1, ASTRATA_MEMORY_ATTRIBUTES
    msr mair_el1, x1
    LOAD_CONSTANT x1, ASTRATA_TRANSLATION_CONTROL
    mrs x2, id_aa64mmfr0_el1
    and x2, x2, #0xf            // PARange; more than 48 bits need another format
    mov x3, #5
    cmp x2, x3
    csel x2, x2, x3, lo
    orr x1, x1, x2, lsl #32     // IPS
    msr tcr_el1, x1
    msr ttbr0_el1, x0
    add x0, x0, #2048
    msr ttbr1_el1, x0
    dsb sy
    isb
    tlbi vmalle1
    ic iallu
    dsb sy
    isb
    LOAD_CONSTANT x1, ASTRATA_SYSTEM_CONTROL
    msr sctlr_el1, x1
    isb
    ret

// Where PSCI starts a processor; x0 is its data. The boot CPU has written what is read here to memory.
.global secondary_entry
secondary_entry:
    mov x19, x0
    bl enter_el1
    adrp x0, boot_root
    bl enable_translation
    ldr x0, =secondary_entry_high
    br x0
.ltorg
.global boot_text_end
boot_text_end:

.section .text, "ax"
boot_entry_high:
    ldr x0, =boot_stack_top
    mov sp, x0
    mov x29, xzr
    mov x30, xzr
    mov x0, x19
    mov x1, x20
    bl boot_place
    dsb sy
    isb
    ldr x0, =boot_entry_placed
    br x0
boot_entry_placed:
    ldr x0, =boot_stack_top
    mov sp, x0
    mov x29, xzr
    mov x30, xzr
    bl boot_start
    brk #0

secondary_entry_high:
    ldr x1, [x19, #CPU_KERNEL_STACK]
    mov sp, x1
    mov x29, xzr
    mov x30, xzr
    mov x0, x19
    bl secondary_start
    brk #0
.ltorg

.section .bss.boot, "aw", @nobits
.align 12
boot_bss_start:
.global boot_root
boot_root:              .skip 4096
boot_pointers_low:      .skip 4096
.global boot_pointers_direct
boot_pointers_direct:   .skip 4096
boot_pointers_high:     .skip 4096
.global boot_image_directories
boot_image_directories: .skip 2 * 4096
.global boot_console_directory
boot_console_directory: .skip 4096
boot_stack:             .skip 65536
.global boot_stack_top
boot_stack_top:
