// When Bedrock's own invariants fail, and when a user process dies of an exception.
#pragma once

#include <cstdint>
#include <string_view>

#include "arch/trap_frame.h"

namespace astrata::kernel {

class Thread;

/// Stops all CPUs, dumps what is known on the serial port, halts. For broken invariants of our own only.
[[noreturn]] void panic(std::string_view reason);
[[noreturn]] void panic_with_registers(std::string_view reason, arch::TrapFrame& frame, std::uint64_t fault_address);
/// Registers and backtrace of a native process that dies, into the kernel log.
void report_crash(Thread& thread, arch::TrapFrame& frame, std::uint64_t fault_address);

}  // namespace astrata::kernel
