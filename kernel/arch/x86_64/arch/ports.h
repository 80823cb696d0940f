// Port input and output, of 1, 2 or 4 bytes.
#pragma once

#include <cstdint>

namespace astrata::kernel::arch {

/// Machines without a port space have no port regions either, so that nothing is ever called.
inline constexpr std::uint64_t port_count = 65536;

template <typename T>
inline T port_in(std::uint16_t port) {
    T value;
    if constexpr (sizeof(T) == 1)
        asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    else if constexpr (sizeof(T) == 2)
        asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    else
        asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
template <typename T>
inline void port_out(std::uint16_t port, T value) {
    if constexpr (sizeof(T) == 1)
        asm volatile("outb %0, %1" ::"a"(value), "Nd"(port));
    else if constexpr (sizeof(T) == 2)
        asm volatile("outw %0, %1" ::"a"(value), "Nd"(port));
    else
        asm volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

}  // namespace astrata::kernel::arch
