// void spin_on_stack(std::uint64_t stack)
    .text
    .globl spin_on_stack
    .type spin_on_stack, @function
spin_on_stack:
    movq %rdi, %rsp
1:  pause
    jmp 1b
