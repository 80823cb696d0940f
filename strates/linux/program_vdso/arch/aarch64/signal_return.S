// Where handlers of signals return to. Unwinders know it by its two instructions, and look for its caller's frame with
// the instruction before, as for any return address.
    .text
    nop
    .globl __kernel_rt_sigreturn
    .type __kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
    mov x8, #139
    svc #0
    .size __kernel_rt_sigreturn, . - __kernel_rt_sigreturn
