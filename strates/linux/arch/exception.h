// What an exception of a program means on any machine.
#pragma once

#include <cstdint>

#include "strates/linux/signal/signal.h"

namespace astrata::linux_abi {

struct ProgramException {
    // The signal that it becomes, unless it is a page fault: that depends on the program's mappings.
    Signal signal = Signal::sigsegv;
    std::int32_t code = signal_code::kernel;
    std::uint64_t address = 0;
    bool is_page_fault = false;
    bool is_write = false;
    bool is_fetch = false;
};

}  // namespace astrata::linux_abi
