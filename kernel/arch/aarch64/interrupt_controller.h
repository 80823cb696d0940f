// The Generic Interrupt Controller, version 2 (Arm IHI 0048) or 3 (IHI 0069): what the two have in common, and what
// each does its own way. All device interrupts go to the boot CPU.
#pragma once

#include <cstdint>

#include "arch/per_cpu.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

/// Interrupts from one CPU to another (SGI).
enum class SoftwareInterrupt : std::uint8_t { reschedule = 0, stop = 1 };

/// Finds the controller in the devicetree's facts and has it deliver nothing yet.
/// errors    not_found, no_memory
[[nodiscard]] Result<> start_interrupt_controller();
/// Opens this CPU's interface. errors    not_found
[[nodiscard]] Result<> open_interrupt_interface(PerCpu& cpu);
void send_interrupt(PerCpu const& target, SoftwareInterrupt interrupt);
/// Takes and handles what is pending. Interrupts are off. From user mode a driver's thread may run before this returns.
void handle_interrupts(bool is_from_user);

/// The registers of a device.
class DeviceRegisters {
public:
    DeviceRegisters() = default;
    explicit constexpr DeviceRegisters(std::uint64_t address) : address_(address) {}
    [[nodiscard]] std::uint32_t read(std::uint64_t offset) const { return *at<std::uint32_t>(offset); }
    void write(std::uint64_t offset, std::uint32_t value) const { *at<std::uint32_t>(offset) = value; }
    [[nodiscard]] std::uint64_t read_wide(std::uint64_t offset) const { return *at<std::uint64_t>(offset); }
    void write_wide(std::uint64_t offset, std::uint64_t value) const { *at<std::uint64_t>(offset) = value; }
    void write_byte(std::uint64_t offset, std::uint8_t value) const { *at<std::uint8_t>(offset) = value; }
    [[nodiscard]] DeviceRegisters part(std::uint64_t offset) const { return DeviceRegisters(address_ + offset); }
    [[nodiscard]] std::uint64_t address() const { return address_; }

private:
    template <typename T>
    [[nodiscard]] T volatile* at(std::uint64_t offset) const {
        return reinterpret_cast<T volatile*>(address_ + offset);
    }
    std::uint64_t address_ = 0;
};

// The distributor's registers, and those of a redistributor's second page for the first 32 interrupts.
namespace gic {

inline constexpr std::uint64_t control = 0x000;        // GICD_CTLR
inline constexpr std::uint64_t type = 0x004;           // GICD_TYPER
inline constexpr std::uint64_t group = 0x080;          // GICD_IGROUPRn: a bit for each interrupt
inline constexpr std::uint64_t set_enable = 0x100;     // GICD_ISENABLERn
inline constexpr std::uint64_t clear_enable = 0x180;   // GICD_ICENABLERn
inline constexpr std::uint64_t priority = 0x400;       // GICD_IPRIORITYRn: a byte
inline constexpr std::uint64_t targets = 0x800;        // GICD_ITARGETSRn: a byte; version 2
inline constexpr std::uint64_t configuration = 0xc00;  // GICD_ICFGRn: two bits
inline constexpr std::uint64_t route = 0x6000;         // GICD_IROUTERn: eight bytes; version 3

inline constexpr std::uint32_t first_shared = 32;  // SPIs begin here
inline constexpr std::uint32_t line_limit = 1020;  // and end here
inline constexpr std::uint8_t default_priority = 0xa0;

/// All of the first 32 interrupts: off, of default priority, in the group that reaches us as IRQ; then those that we
/// use on.
void prepare_private_interrupts(DeviceRegisters registers);

// The version's own part.
struct Interface {
    std::uint32_t groups;  // what all of GICD_IGROUPRn are set to: the group that reaches us as IRQ
    void (*enable_distributor)(DeviceRegisters distributor);
    Result<> (*open)(PerCpu& cpu);
    std::uint32_t (*acknowledge)();  // the interrupt's number; line_limit or more: none
    void (*end)(std::uint32_t acknowledged);
    void (*send)(PerCpu const& target, std::uint32_t number);
    void (*route)(DeviceRegisters distributor, std::uint32_t line, PerCpu const& target);
};
/// errors    no_memory, not_found
[[nodiscard]] Result<Interface const*> version_2(DeviceRegisters distributor);
[[nodiscard]] Result<Interface const*> version_3();

}  // namespace gic

}  // namespace astrata::kernel::arch
