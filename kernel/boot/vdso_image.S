// The vDSO in its two forms, as the build made it, page-aligned in the kernel's constants.
.section .vdso, "a"
.balign 4096
.global vdso_image_start
vdso_image_start:
    .incbin "vdso.so"
.global vdso_image_end
vdso_image_end:
    .balign 4096
.balign 4096
.global hosted_vdso_image_start
hosted_vdso_image_start:
    .incbin "hosted_vdso.so"
.global hosted_vdso_image_end
hosted_vdso_image_end:
    .balign 4096
