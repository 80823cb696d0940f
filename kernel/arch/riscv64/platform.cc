#include "arch/platform.h"

#include <span>

#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "arch/local_timer.h"
#include "arch/smp.h"
#include "kernel/arch/riscv64/boot/boot_cpu.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/arch/riscv64/plic.h"
#include "kernel/arch/riscv64/sbi.h"
#include "kernel/log/print.h"
#include "kernel/time/clock.h"

namespace astrata::kernel::arch {

namespace {

void start_other_cpus(Account& account) {
    for (auto const& hart : std::span(machine.harts).first(machine.hart_count)) {
        if (hart.number == machine.boot_hart)
            continue;
        if (auto listed = list_cpu(hart.number, account); !listed)
            print("hart ", hart.number, " is left out: ", name_of(listed.error()));
    }
    for (std::uint32_t index = 1; index < cpu_count(); ++index) {
        if (auto started = start_cpu(cpu(index)); !started)
            print("CPU ", index, ", hart ", cpu(index).hardware_id, ", does not start: ", name_of(started.error()),
                  "; `cpu online ", index, "' tries again");
    }
}

}  // namespace

void start_platform(BootInfo const&, Account& account) {
    if (!guard_boot_cpu(account))
        print("no memory for a guarded emergency stack");
    clock::start();
    if (auto started = start_plic(); !started)
        print("no usable interrupt controller (", name_of(started.error()), "): no device interrupts");
    arm_timer(~std::uint64_t{0});
    listen_for_interrupts();
    find_out_about_turns();
    if (sbi::has(sbi::Extension::hart_state) && sbi::has(sbi::Extension::inter_processor) &&
        sbi::has(sbi::Extension::remote_fence))
        start_other_cpus(account);
    else
        print("the firmware starts no other harts: one CPU");
}

// SBI 1.0, chapter 10.
void reset_machine() {
    constexpr std::uint64_t cold_reboot = 1;
    sbi::call(sbi::Extension::system_reset, 0, cold_reboot);
    halt_forever();
}

Result<> power_off_machine() {
    constexpr std::uint64_t shutdown = 0;
    sbi::call(sbi::Extension::system_reset, 0, shutdown);
    return fail(Error::not_supported);
}

std::string_view hardware_random_source() {
    return machine.seed_words != 0 ? "the devicetree" : "nothing but times: the processor has no generator";
}

bool read_hardware_random(std::uint64_t& value) {
    static constinit std::size_t used = 0;
    if (used == machine.seed_words)
        return false;
    value = machine.seed[used];
    machine.seed[used++] = 0;
    return true;
}

}  // namespace astrata::kernel::arch
