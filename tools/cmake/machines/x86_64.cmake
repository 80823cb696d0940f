# x86_64: what the other files here pass to the compiler beside what every machine gets.
set(machine_triple x86_64-unknown-none-elf)
# Linked as for Linux only because clang then runs lld itself, while for the bare target it would want gcc in between.
set(machine_link_triple x86_64-unknown-linux-gnu)
# Code that could be hosted in the kernel leaves what is below the stack pointer to interrupts, and uses neither FPU nor vector registers.
set(machine_stack_flags -mno-red-zone)
set(machine_flags -mno-sse -mno-mmx -msoft-float)
set(machine_cxx_flags)
set(machine_memory_flags)
set(machine_vdso_flags -mcmodel=small)
set(machine_kernel_flags -mcmodel=kernel)
# docs/security.md says what this does.
set(machine_kernel_cxx_flags -mretpoline-external-thunk)
# For functions too short for aligning a stack on which no vector is ever put; the other files align it.
set(machine_short_path_flags -mstack-alignment=8)
set(machine_boots_flat_image OFF)
