// Where Bedrock enters: every process at _start, with the start block, the vDSO and the message buffer as arguments, every further
// thread at astrata_thread_entry.
    .text
    .globl _start
    .type _start, @function
_start:
    bti c
    mov x29, xzr
    mov x30, xzr
    adrp x3, __ehdr_start
    add x3, x3, :lo12:__ehdr_start
    adrp x4, _DYNAMIC
    add x4, x4, :lo12:_DYNAMIC
    bl astrata_start
    brk #1

    .globl astrata_thread_entry
    .type astrata_thread_entry, @function
astrata_thread_entry:
    bti c
    mov x29, xzr
    mov x30, xzr
    bl astrata_thread_main
    brk #1

    .hidden _DYNAMIC
    .hidden __ehdr_start
    .hidden astrata_thread_entry
