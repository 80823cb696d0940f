// What the machine brings besides its processors: interrupt controllers, timers, firmware tables.
#pragma once

#include <string_view>

#include "kernel/boot/boot_info.h"
#include "kernel/mem/account.h"
#include "lib/base/result.h"
#include "lib/elf/image.h"

namespace astrata::kernel::arch {

inline constexpr std::string_view name = "x86_64";
inline constexpr auto elf_machine = elf::Machine::x86_64;

/// Brings up local and IO-APICs, the clock's measurement and all other CPUs, as the firmware's tables describe them.
void start_platform(BootInfo const& info, Account& account);
/// The ACPI root pointer, 0 if there is none.
[[nodiscard]] PhysAddr acpi_root();
/// Resets by the CPU's own means: a triple fault.
[[noreturn]] void reset_machine();
/// By firmware that Bedrock itself can call: there is none here, ACPI's means are the device manager's.
/// errors    not_supported
[[nodiscard]] inline Result<> power_off_machine() {
    return fail(Error::not_supported);
}

}  // namespace astrata::kernel::arch
