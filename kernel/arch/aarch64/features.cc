#include "kernel/arch/aarch64/features.h"

#include "arch/cpu.h"
#include "kernel/arch/aarch64/control_registers.h"

extern "C" {
extern char const exception_vectors[];
extern bool astrata_has_pan;                      // read by user_copy.S
extern unsigned char __aarch64_have_lse_atomics;  // lib/freestanding/arch/aarch64
}

namespace astrata::kernel::arch {

constinit Features features;

namespace {

constexpr std::uint64_t field(std::uint64_t value, unsigned lowest_bit) {
    return value >> lowest_bit & 0xf;
}

}  // namespace

void detect_features() {
    auto const instructions0 = ASTRATA_READ_REGISTER("id_aa64isar0_el1");
    auto const instructions1 = ASTRATA_READ_REGISTER("id_aa64isar1_el1");
    auto const processor0 = ASTRATA_READ_REGISTER("id_aa64pfr0_el1");
    auto const processor1 = ASTRATA_READ_REGISTER("id_aa64pfr1_el1");
    auto const memory1 = ASTRATA_READ_REGISTER("id_aa64mmfr1_el1");
    features.has_random = field(instructions0, 60) != 0;
    features.has_atomics = field(instructions0, 20) >= 2;
    features.has_pointer_authentication = (field(instructions1, 4) | field(instructions1, 8)) != 0;
    features.has_interrupt_registers = field(processor0, 24) != 0;
    features.has_branch_targets = field(processor1, 0) != 0;
    features.has_pan = field(memory1, 20) != 0;
}

void enable_features() {
    ASTRATA_WRITE_REGISTER("vbar_el1", reinterpret_cast<std::uint64_t>(exception_vectors));
    // Native code never uses vector registers, so that none of foreign code's is left to it (thread_state.cc).
    ASTRATA_WRITE_REGISTER("cpacr_el1", vector_access_none);
    // User mode reads the virtual counter, and nothing else of the timers.
    constexpr std::uint64_t user_reads_virtual_counter = 1U << 1;  // EL0VCTEN
    ASTRATA_WRITE_REGISTER("cntkctl_el1", user_reads_virtual_counter);
    // No performance counters and no debugging from user mode.
    ASTRATA_WRITE_REGISTER("mdscr_el1", 0);
    ASTRATA_WRITE_REGISTER("tpidr_el0", 0);
    ASTRATA_WRITE_REGISTER("tpidrro_el0", 0);
    auto control = system_control;
    if (features.has_pan)
        control &= ~control_keep_pan;
    ASTRATA_WRITE_REGISTER("sctlr_el1", control);
    synchronize_context();
    if (features.has_pan)
        asm volatile(".arch_extension pan\n\tmsr pan, #1");
    astrata_has_pan = features.has_pan;
    __aarch64_have_lse_atomics = features.has_atomics ? 1 : 0;
}

}  // namespace astrata::kernel::arch
