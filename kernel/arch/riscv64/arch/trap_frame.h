// The registers of interrupted or calling code, as the entry code stores them on the kernel stack: x1 to x31 in their
// order, so that the eight message words of an IPC, s2 to s9, are one run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/arch/riscv64/registers.h"

namespace astrata::kernel::arch {

/// How far below what a frame pointer names the frame's record lies: the caller's frame pointer, then the return
/// address.
inline constexpr std::uint64_t frame_record_distance = 16;

struct alignas(16) TrapFrame {
    std::uint64_t ra;
    std::uint64_t sp;
    std::uint64_t gp;
    std::uint64_t tp;
    std::uint64_t t0, t1, t2;
    std::uint64_t s0;  // frame pointer
    std::uint64_t s1;
    std::array<std::uint64_t, 8> a;
    std::array<std::uint64_t, 8> words;  // s2-s9: message words 0-7
    std::uint64_t s10, s11;
    std::uint64_t t3, t4, t5, t6;
    std::uint64_t pc;
    std::uint64_t sstatus;  // as the trap left it
    std::uint64_t scause;
    std::uint64_t stval;

    [[nodiscard]] bool is_from_user() const { return (sstatus & status_previous_supervisor) == 0; }
    /// Whether interrupts were on in the interrupted code.
    [[nodiscard]] bool has_interrupts_on() const {
        return is_from_user() || (sstatus & status_previous_interrupts) != 0;
    }
    [[nodiscard]] std::uint64_t& instruction() { return pc; }
    [[nodiscard]] std::uint64_t instruction() const { return pc; }
    [[nodiscard]] std::uint64_t stack() const { return sp; }
    [[nodiscard]] std::uint64_t frame_pointer() const { return s0; }

    // A system call: number in a7, arguments in a0-a5, results in a1-a3. The status stands in the number's place, where
    // a message call leaves it; the entry code moves a plain call's to a0.
    [[nodiscard]] std::uint64_t& number() { return a[7]; }
    [[nodiscard]] std::uint64_t& status() { return a[7]; }
    /// `index` is a constant, so nothing is decided at run time.
    [[nodiscard, gnu::always_inline]] std::uint64_t& argument(std::size_t index) { return a[index]; }
    [[nodiscard, gnu::always_inline]] std::uint64_t& result(std::size_t index) { return a[index + 1]; }

    // A message call: what goes in, and in the same register what comes out.
    [[nodiscard]] std::uint64_t& handle() {
        return a[0];
    }  ///< whom to call or answer; the reply handle of what was received
    [[nodiscard]] std::uint64_t& info() { return a[1]; }  ///< abi::MessageInfo
    [[nodiscard]] std::uint64_t& deadline() { return a[2]; }
    [[nodiscard]] std::uint64_t& badge() { return a[2]; }
    [[nodiscard]] std::uint64_t& source() { return a[3]; }  ///< what to receive from
    [[nodiscard]] std::uint64_t& key() { return a[3]; }
};
static_assert(sizeof(TrapFrame) == 288);
static_assert(offsetof(TrapFrame, a) == 72 && offsetof(TrapFrame, words) == 136 && offsetof(TrapFrame, pc) == 248);

}  // namespace astrata::kernel::arch
