// The instruction that enters the kernel, for C++ and assembler files. Both forms leave everything as `syscall` does: number in
// rax, arguments in registers, rcx and r11 lost.
#pragma once

#ifdef ASTRATA_HOSTED_IN_KERNEL
// Native code that is hosted in the kernel finds the way in its processor's data (kernel/arch/x86_64/arch/per_cpu.h).
#define ENTER_KERNEL "callq *%%gs:64"
#define ENTER_KERNEL_INSTRUCTION callq *%gs:64
#else
#define ENTER_KERNEL "syscall"
#define ENTER_KERNEL_INSTRUCTION syscall
#endif
