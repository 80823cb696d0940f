#include "arch/platform.h"

#include "arch/cpu.h"
#include "arch/smp.h"
#include "kernel/arch/aarch64/boot/boot_cpu.h"
#include "kernel/arch/aarch64/firmware.h"
#include "kernel/arch/aarch64/interrupt_controller.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/arch/aarch64/message_interrupts.h"
#include "kernel/log/print.h"
#include "kernel/time/clock.h"
#include "kernel/trap/panic.h"

namespace astrata::kernel::arch {

namespace {

void start_processors(Account& account) {
    auto const own = this_cpu().affinity;
    for (auto const affinity : std::span(machine.processors).first(machine.processor_count)) {
        if (affinity == own)
            continue;
        if (auto listed = list_cpu(affinity, account); !listed)
            print("CPU ", hex(affinity), " is left out: ", name_of(listed.error()));
    }
    for (std::uint32_t index = 1; index < cpu_count(); ++index) {
        if (auto started = start_cpu(cpu(index)); !started)
            print("CPU ", index, " does not start: ", name_of(started.error()), "; `cpu online ", index,
                  "' tries again");
    }
}

}  // namespace

void start_platform(BootInfo const&, Account& account) {
    clock::start();
    if (!start_interrupt_controller() || !open_interrupt_interface(this_cpu()))
        panic("the devicetree names no interrupt controller that Bedrock knows (GICv2, GICv3)");
    if (auto const started = start_message_interrupts(); !started)
        print("no message-signalled interrupts: ", name_of(started.error()));
    start_processors(account);
}

PhysAddr acpi_root() {
    return {};
}

// Comes back only if the firmware has no such call.
Result<> power_off_machine() {
    (void)call_firmware(FirmwareFunction::power_off);
    return fail(Error::not_supported);
}

void reset_machine() {
    (void)call_firmware(FirmwareFunction::reset);
    halt_forever();
}

}  // namespace astrata::kernel::arch
