// What the machine brings besides its processors, as its devicetree and firmware describe it.
#pragma once

#include <string_view>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/account.h"
#include "lib/base/result.h"
#include "lib/elf/image.h"

namespace astrata::kernel::arch {

inline constexpr std::string_view name = "riscv64";
inline constexpr auto elf_machine = elf::Machine::riscv;

/// Brings up the interrupt controller and all other CPUs.
void start_platform(BootInfo const& info, Account& account);
/// No machine of this kind has ACPI here.
[[nodiscard]] inline PhysAddr acpi_root() {
    return {};
}
/// By the firmware (SBI, system reset extension).
[[noreturn]] void reset_machine();
/// errors    not_supported
[[nodiscard]] Result<> power_off_machine();

}  // namespace astrata::kernel::arch
