// GIC version 3: the CPU interface is system registers, and each CPU has a redistributor (Arm IHI 0069, chapters 12.2
// and 12.10).
#include <optional>

#include "arch/cpu.h"
#include "kernel/arch/aarch64/interrupt_controller.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel::arch::gic {

namespace {

constinit DeviceRegisters redistributors;

constexpr std::uint32_t affinity_routing = 1U << 4;  // GICD_CTLR.ARE
constexpr std::uint32_t enable_group_1 = 1U << 1;
constexpr std::uint32_t write_pending = 1U << 31;  // RWP

constexpr std::uint64_t redistributor_type = 0x08;  // GICR_TYPER
constexpr std::uint64_t type_is_last = 1U << 4;
constexpr std::uint64_t type_has_virtual = 1U << 1;  // VLPIS: two more pages of 64 KiB
constexpr std::uint64_t waker = 0x14;                // GICR_WAKER
constexpr std::uint32_t processor_sleep = 1U << 1;
constexpr std::uint32_t children_asleep = 1U << 2;
constexpr std::uint64_t frame_bytes = 0x10000;

void enable_distributor(DeviceRegisters distributor) {
    distributor.write(control, affinity_routing | enable_group_1);
    while ((distributor.read(control) & write_pending) != 0)
        pause();
}

// Aff3.Aff2.Aff1.Aff0 as GICR_TYPER and the tools for routing have it.
std::uint32_t packed(std::uint64_t affinity) {
    return static_cast<std::uint32_t>(affinity >> 8 & 0xff00'0000) | static_cast<std::uint32_t>(affinity & 0xff'ffff);
}

std::optional<DeviceRegisters> redistributor_of(PerCpu const& cpu) {
    for (std::uint64_t offset = 0; offset + 2 * frame_bytes <= machine.redistributors.length;) {
        auto const frame = redistributors.part(offset);
        auto const type_word = frame.read_wide(redistributor_type);
        if (static_cast<std::uint32_t>(type_word >> 32) == packed(cpu.affinity))
            return frame;
        if ((type_word & type_is_last) != 0)
            break;
        offset += ((type_word & type_has_virtual) != 0 ? 4 : 2) * frame_bytes;
    }
    return std::nullopt;
}

Result<> open(PerCpu& cpu) {
    auto const frame = redistributor_of(cpu);
    if (!frame)
        return fail(Error::not_found);
    cpu.redistributor = frame->address();
    frame->write(waker, frame->read(waker) & ~processor_sleep);
    while ((frame->read(waker) & children_asleep) != 0)
        pause();
    prepare_private_interrupts(frame->part(frame_bytes));

    constexpr std::uint64_t system_registers = 1;  // SRE
    ASTRATA_WRITE_REGISTER("s3_0_c12_c12_5",
                           ASTRATA_READ_REGISTER("s3_0_c12_c12_5") | system_registers);  // ICC_SRE_EL1
    synchronize_context();
    ASTRATA_WRITE_REGISTER("s3_0_c4_c6_0", 0xff);  // ICC_PMR_EL1: every priority
    ASTRATA_WRITE_REGISTER("s3_0_c12_c12_3", 0);   // ICC_BPR1_EL1
    ASTRATA_WRITE_REGISTER("s3_0_c12_c12_4", 0);   // ICC_CTLR_EL1: one write ends an interrupt
    ASTRATA_WRITE_REGISTER("s3_0_c12_c12_7", 1);   // ICC_IGRPEN1_EL1
    synchronize_context();
    return {};
}

std::uint32_t acknowledge() {
    auto const number = ASTRATA_READ_REGISTER("s3_0_c12_c12_0");  // ICC_IAR1_EL1
    asm volatile("dsb sy" ::: "memory");
    return static_cast<std::uint32_t>(number);
}
void end(std::uint32_t acknowledged) {
    ASTRATA_WRITE_REGISTER("s3_0_c12_c12_1", acknowledged);  // ICC_EOIR1_EL1
    synchronize_context();
}

void send(PerCpu const& target, std::uint32_t number) {
    auto const affinity = target.affinity;
    auto const lowest = affinity & 0xff;
    auto const value = std::uint64_t{1} << lowest % 16 | (affinity >> 8 & 0xff) << 16 | std::uint64_t{number} << 24 |
                       (affinity >> 16 & 0xff) << 32 | lowest / 16 << 44 | (affinity >> 32 & 0xff) << 48;
    asm volatile("dsb ishst" ::: "memory");           // what is written for the other CPU goes first
    ASTRATA_WRITE_REGISTER("s3_0_c12_c11_5", value);  // ICC_SGI1R_EL1
    synchronize_context();
}

void route_to(DeviceRegisters distributor, std::uint32_t line, PerCpu const& target) {
    distributor.write_wide(route + line * sizeof(std::uint64_t), target.affinity);
}

constexpr Interface functions{.groups = ~std::uint32_t{0},
                              .enable_distributor = enable_distributor,
                              .open = open,
                              .acknowledge = acknowledge,
                              .end = end,
                              .send = send,
                              .route = route_to};

}  // namespace

Result<Interface const*> version_3() {
    if (machine.redistributors.length == 0)
        return fail(Error::not_found);
    redistributors =
        DeviceRegisters(TRY(mem::map_device(machine.redistributors.start, machine.redistributors.length)).value);
    return &functions;
}

}  // namespace astrata::kernel::arch::gic
