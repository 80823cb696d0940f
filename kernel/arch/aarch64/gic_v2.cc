// The CPU interface of GIC version 2 is memory-mapped (Arm IHI 0048, chapter 4).
#include "arch/cpu.h"
#include "kernel/arch/aarch64/interrupt_controller.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::arch::gic {

namespace {

constinit DeviceRegisters the_distributor;
constinit DeviceRegisters interface;

constexpr std::uint64_t interface_control = 0x00;     // GICC_CTLR
constexpr std::uint64_t priority_mask = 0x04;         // GICC_PMR
constexpr std::uint64_t acknowledge_register = 0x0c;  // GICC_IAR
constexpr std::uint64_t end_register = 0x10;          // GICC_EOIR
constexpr std::uint64_t software_interrupt = 0xf00;   // GICD_SGIR
constexpr std::uint32_t enabled = 1;

void enable_distributor(DeviceRegisters distributor) {
    distributor.write(control, enabled);
}

Result<> open(PerCpu& cpu) {
    // Each processor reads its own bit here, in the bytes of the private interrupts.
    cpu.interface_mask = static_cast<std::uint8_t>(the_distributor.read(targets));
    prepare_private_interrupts(the_distributor);
    interface.write(priority_mask, 0xff);
    interface.write(interface_control, enabled);
    return {};
}

std::uint32_t acknowledge() {
    return interface.read(acknowledge_register);
}
void end(std::uint32_t acknowledged) {
    interface.write(end_register, acknowledged);
}

void send(PerCpu const& target, std::uint32_t number) {
    asm volatile("dsb ishst" ::: "memory");  // what is written for the other CPU goes first
    the_distributor.write(software_interrupt, std::uint32_t{target.interface_mask} << 16 | number);
}

void route_to(DeviceRegisters distributor, std::uint32_t line, PerCpu const& target) {
    distributor.write_byte(targets + line, target.interface_mask);
}

// To whoever is not secure, where there is such a difference, group 1 looks like the only one.
constexpr Interface functions{.groups = 0,
                              .enable_distributor = enable_distributor,
                              .open = open,
                              .acknowledge = acknowledge,
                              .end = end,
                              .send = send,
                              .route = route_to};

}  // namespace

Result<Interface const*> version_2(DeviceRegisters distributor) {
    if (machine.interface.length == 0)
        return fail(Error::not_found);
    the_distributor = distributor;
    interface = DeviceRegisters(TRY(mem::map_device(machine.interface.start, machine.interface.length)).value);
    return &functions;
}

}  // namespace astrata::kernel::arch::gic
