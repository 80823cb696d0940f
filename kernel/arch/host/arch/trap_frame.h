// What a system call of a thread brings along, as far as messages go; host tests enter nothing.
#pragma once

#include <array>
#include <cstdint>

namespace astrata::kernel::arch {

struct TrapFrame {
    std::array<std::uint64_t, 8> words{};
    std::uint64_t rbp = 0;
    std::uint64_t rdi = 0;
    std::uint64_t rsi = 0;
    std::uint64_t rdx = 0;
    std::uint64_t rax = 0;
};

}  // namespace astrata::kernel::arch
