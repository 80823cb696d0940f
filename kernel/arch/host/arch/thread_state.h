// Host tests switch no threads.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

struct ThreadState {
    std::uint64_t stack_top = 0;
    std::uint64_t trap_stack = 0;
};

}  // namespace astrata::kernel::arch
