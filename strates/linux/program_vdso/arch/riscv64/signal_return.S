// Where handlers of signals return to. Unwinders know it by its two instructions.
    .text
    .option norvc
    nop
    .globl __vdso_rt_sigreturn
    .type __vdso_rt_sigreturn, @function
__vdso_rt_sigreturn:
    li a7, 139
    ecall
    .size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn
