# riscv64: what the other files here pass to the compiler beside what every machine gets.
set(machine_triple riscv64-unknown-none-elf)
set(machine_link_triple riscv64-unknown-linux-gnu)
# RV64IMAC, without FPU and vector registers; nothing is addressed through gp, which stays unused.
set(machine_flags -march=rv64imac_zicsr_zifencei -mabi=lp64 -mcmodel=medany -mno-relax)
set(machine_stack_flags)
set(machine_cxx_flags -msmall-data-limit=0)
# Words may lie anywhere: where the processor cannot load them, its firmware does.
set(machine_memory_flags -mno-strict-align)
set(machine_vdso_flags)
set(machine_kernel_flags)
set(machine_kernel_cxx_flags)
set(machine_short_path_flags)
set(machine_boots_flat_image ON)
