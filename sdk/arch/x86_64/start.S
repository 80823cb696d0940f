// Where Bedrock enters: every process at _start, with the start block, the vDSO and the message buffer as arguments, every further
// thread at astrata_thread_entry. The stack is aligned as at a function's call, and there is no return address.
    .text
    .globl _start
    .type _start, @function
_start:
    xorl %ebp, %ebp
    leaq __ehdr_start(%rip), %rcx
    leaq _DYNAMIC(%rip), %r8
    call astrata_start
    ud2

    .globl astrata_thread_entry
    .type astrata_thread_entry, @function
astrata_thread_entry:
    xorl %ebp, %ebp
    call astrata_thread_main
    ud2

    .hidden _DYNAMIC, __ehdr_start, astrata_thread_entry
