# Calls that native code which is hosted in the kernel makes most often: a jump to Bedrock's function, which has the same
# arguments (kernel/trap/hosted_calls.cc). The numbers are places in the processor's data (kernel/arch/x86_64/arch/per_cpu.h).
#ifdef ASTRATA_HOSTED_IN_KERNEL
.macro DIRECT_CALL name, place
    .section .text.\name, "ax", @progbits
    .global \name
    .type \name, @function
    .align 16
\name:
    jmpq *%gs:\place
    .size \name, . - \name
.endm

DIRECT_CALL astrata_thread_park, 72
DIRECT_CALL astrata_thread_unpark, 80
DIRECT_CALL astrata_address_space_map_anonymous, 120
DIRECT_CALL astrata_address_space_unmap, 128
DIRECT_CALL astrata_address_space_protect, 136
DIRECT_CALL astrata_memory_object_read, 144
#endif
