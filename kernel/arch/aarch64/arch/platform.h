// What the machine brings besides its processors: interrupt controllers, timers, firmware tables.
#pragma once

#include <string_view>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/account.h"
#include "lib/base/result.h"
#include "lib/elf/image.h"

namespace astrata::kernel::arch {

inline constexpr std::string_view name = "aarch64";
inline constexpr auto elf_machine = elf::Machine::aarch64;

/// Brings up the interrupt controller, the clock and all other CPUs, as the devicetree describes them.
void start_platform(BootInfo const& info, Account& account);
/// The ACPI root pointer, 0 if there is none.
[[nodiscard]] PhysAddr acpi_root();
/// Resets by the firmware.
[[noreturn]] void reset_machine();
/// By the firmware. errors    not_supported
[[nodiscard]] Result<> power_off_machine();

}  // namespace astrata::kernel::arch
