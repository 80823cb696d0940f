// Storing and loading the vector registers (thread_state.cc: VectorState). The kernel itself is built without them.
.arch armv8-a+fp+simd
.section .text, "ax"

.macro EACH_PAIR instruction
    .irp number, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
    PAIR \instruction, \number, %(\number + 1)
    .endr
.endm

.altmacro
.macro PAIR instruction, first, second
    \instruction q\first, q\second, [x0, #16 * \first]
.endm

.balign 16
.global store_vector_registers
store_vector_registers:
    bti c
    EACH_PAIR stp
    mrs x1, fpsr
    mrs x2, fpcr
    add x0, x0, #512
    stp w1, w2, [x0]
    ret

.balign 16
.global load_vector_registers
load_vector_registers:
    bti c
    EACH_PAIR ldp
    add x0, x0, #512
    ldp w1, w2, [x0]
    msr fpsr, x1
    msr fpcr, x2
    ret
