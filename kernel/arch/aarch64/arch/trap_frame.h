// The registers of interrupted or calling code, as the entry code stores them on the kernel stack. The order is shared
// with frame_registers.inc: the eight message words of an IPC come first, so that a message is one run of words. What
// code outside this folder asks of a frame has the same name on every machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace astrata::kernel::arch {

// PSTATE as SPSR_EL1 holds it (Arm ARM DDI 0487, section C5.2.19).
inline constexpr std::uint64_t pstate_mode = 0xf;                // M[3:0]
inline constexpr std::uint64_t pstate_user = 0x0;                // EL0t
inline constexpr std::uint64_t pstate_hosted = 0x4;              // EL1t: the kernel's rights, on SP_EL0
inline constexpr std::uint64_t pstate_kernel = 0x5;              // EL1h
inline constexpr std::uint64_t pstate_interrupts_off = 1U << 7;  // I
inline constexpr std::uint64_t pstate_guards_user = 1U << 22;    // PAN

/// How far below what a frame pointer names the frame's record lies: the caller's frame pointer, then the return
/// address.
inline constexpr std::uint64_t frame_record_distance = 0;

struct TrapFrame {
    std::array<std::uint64_t, 8> words;   // x0-x7: message words 0-7
    std::array<std::uint64_t, 23> upper;  // x8-x30
    std::uint64_t sp;
    std::uint64_t elr;
    std::uint64_t spsr;
    std::uint64_t syndrome;       // ESR_EL1 of an exception
    std::uint64_t fault_address;  // FAR_EL1 of an exception

    template <unsigned number>
    [[nodiscard]] std::uint64_t& x() {
        static_assert(number < 31);
        if constexpr (number < 8)
            return words[number];
        else
            return upper[number - 8];
    }

    [[nodiscard]] bool is_from_user() const { return (spsr & pstate_mode) == pstate_user; }
    /// Whether interrupts were on in the interrupted code.
    [[nodiscard]] bool has_interrupts_on() const { return (spsr & pstate_interrupts_off) == 0; }
    [[nodiscard]] std::uint64_t& instruction() { return elr; }
    [[nodiscard]] std::uint64_t instruction() const { return elr; }
    [[nodiscard]] std::uint64_t stack() const { return sp; }
    [[nodiscard]] std::uint64_t frame_pointer() const { return upper[29 - 8]; }

    // A system call: its number, and in the same place its result code, which the entry code copies to x0 where that is
    // free; plain arguments and results.
    [[nodiscard]] std::uint64_t& number() { return x<8>(); }
    [[nodiscard]] std::uint64_t& status() { return x<8>(); }
    [[nodiscard, gnu::always_inline]] std::uint64_t& argument(std::size_t index) { return words[index]; }
    [[nodiscard, gnu::always_inline]] std::uint64_t& result(std::size_t index) { return words[index + 1]; }

    // A message call: what goes in, and in the same register what comes out.
    [[nodiscard]] std::uint64_t& handle() {
        return x<9>();
    }  ///< whom to call or answer; the reply handle of what was received
    [[nodiscard]] std::uint64_t& info() { return x<10>(); }  ///< abi::MessageInfo
    [[nodiscard]] std::uint64_t& deadline() { return x<11>(); }
    [[nodiscard]] std::uint64_t& badge() { return x<11>(); }
    [[nodiscard]] std::uint64_t& source() { return x<12>(); }  ///< what to receive from
    [[nodiscard]] std::uint64_t& key() { return x<12>(); }
};
static_assert(sizeof(TrapFrame) == 288);
static_assert(offsetof(TrapFrame, upper) == 64 && offsetof(TrapFrame, sp) == 248 &&
              offsetof(TrapFrame, syndrome) == 272);

}  // namespace astrata::kernel::arch
