// PSCI, the firmware's calls for processors and power (Arm DEN 0022).
#pragma once

#include <cstdint>

#include "kernel/arch/aarch64/machine.h"

namespace astrata::kernel::arch {

enum class FirmwareFunction : std::uint32_t {
    start_processor = 0xc400'0003,  // CPU_ON
    power_off = 0x8400'0008,        // SYSTEM_OFF
    reset = 0x8400'0009,            // SYSTEM_RESET
};
enum FirmwareResult : std::int64_t { success = 0, not_supported = -1, already_on = -4, on_pending = -5 };

/// SMC Calling Convention (Arm DEN 0028): x0-x3 in, x0 out, x1-x17 lost.
inline std::int64_t call_firmware(FirmwareFunction function, std::uint64_t first = 0, std::uint64_t second = 0,
                                  std::uint64_t third = 0) {
    register std::uint64_t x0 asm("x0") = static_cast<std::uint32_t>(function);
    register std::uint64_t x1 asm("x1") = first;
    register std::uint64_t x2 asm("x2") = second;
    register std::uint64_t x3 asm("x3") = third;
#define ASTRATA_FIRMWARE_CALL(instruction)                                                                          \
    asm volatile(instruction                                                                                        \
                 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", \
                   "x13", "x14", "x15", "x16", "x17", "memory")
    switch (machine.firmware_call) {
    case FirmwareCall::none: return not_supported;
    case FirmwareCall::hypervisor: ASTRATA_FIRMWARE_CALL("hvc #0"); break;
    case FirmwareCall::secure_monitor: ASTRATA_FIRMWARE_CALL(".arch armv8-a\n\tsmc #0"); break;
    }
#undef ASTRATA_FIRMWARE_CALL
    return static_cast<std::int64_t>(x0);
}

}  // namespace astrata::kernel::arch
