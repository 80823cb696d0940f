// The registers of interrupted or calling code, as the entry code stores them on the kernel stack. The order is shared
// with entry.S: the eight message words of an IPC come first, so that a message is one run of words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::kernel::arch {

struct TrapFrame {
    std::array<std::uint64_t, 8> words;   // r8 r9 r10 r12 r13 r14 r15 rbx: message words 0-7
    std::uint64_t rbp;
    std::uint64_t rdi;
    std::uint64_t rsi;
    std::uint64_t rdx;
    std::uint64_t rcx;
    std::uint64_t r11;
    std::uint64_t rax;
    std::uint64_t vector;       // exception or interrupt vector; syscall_vector for system calls
    std::uint64_t error_code;   // as pushed by the processor, else 0
    // Intel SDM volume 3, section 6.14.2: what the processor pushes and iretq pops.
    std::uint64_t rip;
    std::uint64_t cs;
    std::uint64_t rflags;
    std::uint64_t rsp;
    std::uint64_t ss;

    [[nodiscard]] std::uint64_t& r8() { return words[0]; }
    [[nodiscard]] std::uint64_t& r9() { return words[1]; }
    [[nodiscard]] std::uint64_t& r10() { return words[2]; }
    [[nodiscard]] std::uint64_t& r12() { return words[3]; }
    [[nodiscard]] std::uint64_t& r13() { return words[4]; }
    [[nodiscard]] std::uint64_t& r14() { return words[5]; }
    [[nodiscard]] std::uint64_t& r15() { return words[6]; }
    [[nodiscard]] std::uint64_t& rbx() { return words[7]; }
    [[nodiscard]] bool is_from_user() const { return (cs & 3) != 0; }
};
inline constexpr std::uint64_t syscall_vector = 256;
static_assert(sizeof(TrapFrame) == 176);
static_assert(offsetof(TrapFrame, rbp) == 64 && offsetof(TrapFrame, vector) == 120 && offsetof(TrapFrame, rip) == 136);

}  // namespace astrata::kernel::arch
