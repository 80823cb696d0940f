# The floating-point registers (volume I, chapters 11 and 12), stored and loaded by the kernel, which is built without.
# An area has f0 to f31, eight bytes each, then fcsr.

.option arch, +d
.section .text, "ax"

# void store_floats(std::byte* area), void load_floats(std::byte const* area)
.macro ALL_FLOATS operation
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \operation f\number, 8 * \number(a0)
    .endr
.endm

.global store_floats
store_floats:
    ALL_FLOATS fsd
    frcsr t0
    sd t0, 256(a0)
    ret

.global load_floats
load_floats:
    ALL_FLOATS fld
    ld t0, 256(a0)
    fscsr t0
    ret
