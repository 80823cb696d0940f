# The programs' vDSO as the build made it (program_vdso/).
.section .rodata.program_vdso, "a"
.align 16
.global program_vdso_image_start, program_vdso_image_end
program_vdso_image_start:
    .incbin "program_vdso.so"
program_vdso_image_end:
