// The registers of interrupted or calling code, as the entry code stores them on the kernel stack. The order is shared
// with frame_registers.inc: the eight message words of an IPC come first, so that a message is one run of words. What
// code outside this folder asks of a frame has the same name on every machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::kernel::arch {

// Of RFLAGS.
inline constexpr std::uint64_t interrupt_flag = 1U << 9;
inline constexpr std::uint64_t user_access_flag = 1U << 18;  // AC: user pages may be reached

/// How far below what a frame pointer names the frame's record lies: the caller's frame pointer, then the return address.
inline constexpr std::uint64_t frame_record_distance = 0;

struct TrapFrame {
    std::array<std::uint64_t, 8> words;  // r8 r9 r10 r12 r13 r14 r15 rbx: message words 0-7
    std::uint64_t rbp;
    std::uint64_t rdi;
    std::uint64_t rsi;
    std::uint64_t rdx;
    std::uint64_t rcx;
    std::uint64_t r11;
    std::uint64_t rax;
    std::uint64_t vector;      // exception or interrupt vector; syscall_vector for system calls
    std::uint64_t error_code;  // as pushed by the processor, else 0
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
    /// Whether interrupts were on in the interrupted code.
    [[nodiscard]] bool has_interrupts_on() const { return (rflags & interrupt_flag) != 0; }
    [[nodiscard]] std::uint64_t& instruction() { return rip; }
    [[nodiscard]] std::uint64_t instruction() const { return rip; }
    [[nodiscard]] std::uint64_t stack() const { return rsp; }
    [[nodiscard]] std::uint64_t frame_pointer() const { return rbp; }

    // A system call: its number, and in the same register its result code; plain arguments and results.
    [[nodiscard]] std::uint64_t& number() { return rax; }
    [[nodiscard]] std::uint64_t& status() { return rax; }
    /// `index` is a constant, so nothing is decided at run time.
    [[nodiscard, gnu::always_inline]] std::uint64_t& argument(std::size_t index) {
        switch (index) {
        case 0: return rdi;
        case 1: return rsi;
        case 2: return rdx;
        case 3: return words[2];
        case 4: return words[0];
        default: return words[1];
        }
    }
    [[nodiscard, gnu::always_inline]] std::uint64_t& result(std::size_t index) {
        return index == 0 ? rdx : index == 1 ? rdi : rsi;
    }

    // A message call: what goes in, and in the same register what comes out.
    [[nodiscard]] std::uint64_t& handle() {
        return rdi;
    }  ///< whom to call or answer; the reply handle of what was received
    [[nodiscard]] std::uint64_t& info() { return rsi; }  ///< abi::MessageInfo
    [[nodiscard]] std::uint64_t& deadline() { return rdx; }
    [[nodiscard]] std::uint64_t& badge() { return rdx; }
    [[nodiscard]] std::uint64_t& source() { return rbp; }  ///< what to receive from
    [[nodiscard]] std::uint64_t& key() { return rbp; }
};
inline constexpr std::uint64_t syscall_vector = 256;
static_assert(sizeof(TrapFrame) == 176);
static_assert(offsetof(TrapFrame, rbp) == 64 && offsetof(TrapFrame, vector) == 120 && offsetof(TrapFrame, rip) == 136);

}  // namespace astrata::kernel::arch
