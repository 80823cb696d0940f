// When Bedrock's own invariants fail, and when a user process dies of an exception.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/trap/exception.h"

namespace astrata::kernel {

class Thread;

/// Stops all CPUs, dumps what is known on the serial port, halts. For broken invariants of our own only.
[[noreturn]] void panic(std::string_view reason);
[[noreturn]] void panic_with_registers(std::string_view reason, arch::TrapFrame& frame, Exception const& exception);
/// Registers and backtrace of a native process that dies, into the kernel log.
void report_crash(Thread& thread, arch::TrapFrame& frame, Exception const& exception);

}  // namespace astrata::kernel
