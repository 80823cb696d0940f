// void spin_on_stack(std::uint64_t stack)
    .text
    .globl spin_on_stack
    .type spin_on_stack, @function
spin_on_stack:
    mov sp, x0
1:  yield
    b 1b
