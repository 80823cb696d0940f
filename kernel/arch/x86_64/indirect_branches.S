# Indirect branches. The compiler has Bedrock's go through the thunk, which is a jump, and where processors guess targets that others taught
# them, boot puts jumps to the retpoline into it and calls of it at the places below: a return whose guess is a loop that does nothing
# (Intel, Retpoline: a branch target injection mitigation).

#include "kernel/arch/x86_64/patch_sites.inc"

.section .text.hot, "ax"
.code64
.align 16
.global __x86_indirect_thunk_r11
__x86_indirect_thunk_r11:
    PATCHABLE __retpoline_sites, JUMP, retpoline_r11, jmpq *%r11

.align 16
retpoline_r11:
    call 2f
1:  pause
    lfence
    jmp 1b
2:  movq %r11, (%rsp)
    ret

.global retpoline_rcx
retpoline_rcx:
    movq %rcx, %r11             # hosted code expects nothing in it
    jmp retpoline_r11

.global retpoline_fast_reply
retpoline_fast_reply:
    movq fast_reply_now(%rip), %r11
    jmp retpoline_r11
.global retpoline_fast_call
retpoline_fast_call:
    movq fast_call_now(%rip), %r11
    jmp retpoline_r11

# void fill_return_buffer(): what returns take for guesses before they were ever taught any leads nowhere.
.set BUFFER_ENTRIES, 32
.global fill_return_buffer
fill_return_buffer:
    movl $(BUFFER_ENTRIES / 2), %ecx
1:  call 3f
2:  pause
    lfence
    jmp 2b
3:  call 5f
4:  pause
    lfence
    jmp 4b
5:  decl %ecx
    jnz 1b
    addq $(BUFFER_ENTRIES * 8), %rsp
    ret
