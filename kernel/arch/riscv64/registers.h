// Control and status registers by number (The RISC-V Instruction Set Manual, volume II, chapter 2), and the bits of
// them that Bedrock uses.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

enum class Csr : unsigned {
    sstatus = 0x100,
    sie = 0x104,
    stvec = 0x105,
    scounteren = 0x106,
    sscratch = 0x140,
    sepc = 0x141,
    scause = 0x142,
    stval = 0x143,
    sip = 0x144,
    stimecmp = 0x14d,  // Sstc
    satp = 0x180,
    cycle = 0xc00,
    time = 0xc01,
};

// sstatus, section 4.1.1
inline constexpr std::uint64_t status_interrupts = 1U << 1;           // SIE
inline constexpr std::uint64_t status_previous_interrupts = 1U << 5;  // SPIE
inline constexpr std::uint64_t status_previous_supervisor = 1U << 8;  // SPP
inline constexpr std::uint64_t status_user_memory = 1U << 18;         // SUM: supervisor code may reach user pages
inline constexpr std::uint64_t status_floats = 3U << 13;              // FS: 0 off, 1 initial, 2 clean, 3 dirty
inline constexpr std::uint64_t status_floats_clean = 2U << 13;
inline constexpr std::uint64_t status_vectors = 3U << 9;  // VS, likewise

// sie, sip: section 4.1.3
inline constexpr std::uint64_t software_interrupt = 1U << 1;
inline constexpr std::uint64_t timer_interrupt = 1U << 5;
inline constexpr std::uint64_t external_interrupt = 1U << 9;

// satp, section 4.1.11
inline constexpr std::uint64_t translation_sv48 = std::uint64_t{9} << 60;

template <Csr which>
[[nodiscard, gnu::always_inline]] inline std::uint64_t read_csr() {
    std::uint64_t value;
    asm volatile("csrr %0, %1" : "=r"(value) : "i"(static_cast<unsigned>(which)) : "memory");
    return value;
}
template <Csr which>
[[gnu::always_inline]] inline void write_csr(std::uint64_t value) {
    asm volatile("csrw %0, %1" ::"i"(static_cast<unsigned>(which)), "r"(value) : "memory");
}
template <Csr which>
[[gnu::always_inline]] inline void set_csr(std::uint64_t bits) {
    asm volatile("csrs %0, %1" ::"i"(static_cast<unsigned>(which)), "r"(bits) : "memory");
}
template <Csr which>
[[gnu::always_inline]] inline void clear_csr(std::uint64_t bits) {
    asm volatile("csrc %0, %1" ::"i"(static_cast<unsigned>(which)), "r"(bits) : "memory");
}

}  // namespace astrata::kernel::arch
