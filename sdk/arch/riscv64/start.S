// Where Bedrock enters: every process at _start, with the start block, the vDSO and the message buffer as arguments, every further
// thread at astrata_thread_entry.
    .text
    .globl _start
    .type _start, @function
_start:
    li s0, 0
    li ra, 0
    lla a3, __ehdr_start
    lla a4, _DYNAMIC
    call astrata_start
    ebreak

    .globl astrata_thread_entry
    .type astrata_thread_entry, @function
astrata_thread_entry:
    li s0, 0
    li ra, 0
    call astrata_thread_main
    ebreak

    .hidden _DYNAMIC
    .hidden __ehdr_start
    .hidden astrata_thread_entry
