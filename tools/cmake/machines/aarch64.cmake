# aarch64: what the other files here pass to the compiler beside what every machine gets.
set(machine_triple aarch64-unknown-none-elf)
set(machine_link_triple aarch64-unknown-linux-gnu)
# Any processor with 64-bit registers, without FPU and vector registers; x18 is nobody's;
# indirect branches land on marked places only; whether atomic operations are single instructions is known at boot
# (lib/freestanding/arch/aarch64/atomics.S), but not in a vDSO.
set(machine_flags -march=armv8-a+nofp+nosimd -ffixed-x18 -moutline-atomics -mbranch-protection=bti)
set(machine_stack_flags)
set(machine_cxx_flags -mabi=aapcs-soft -mstrict-align)
# Copies run with the MMU on, where words may lie anywhere.
set(machine_memory_flags -mno-strict-align)
set(machine_vdso_flags -mno-outline-atomics)
set(machine_kernel_flags)
set(machine_kernel_cxx_flags)
set(machine_short_path_flags)
set(machine_boots_flat_image ON)
