// Arm PrimeCell UART (PL011), polled (Arm DDI 0183, section 3.3). The firmware has set it up.
#include "arch/early_serial.h"

#include <cstdint>

#include "arch/cpu.h"
#include "kernel/arch/aarch64/console_window.h"
#include "kernel/arch/aarch64/machine.h"

namespace astrata::kernel::arch {

namespace {

constexpr std::uint64_t data_register = 0x00;     // UARTDR
constexpr std::uint64_t flag_register = 0x18;     // UARTFR
constexpr std::uint32_t transmit_full = 1U << 5;  // TXFF

std::uint32_t volatile& at(std::uint64_t offset) {
    return *reinterpret_cast<std::uint32_t volatile*>(console_window.value + machine.console.value % huge_page_size +
                                                      offset);
}

void write_byte(char byte) {
    // Bounded, so that a machine whose console is stuck is not.
    for (int tries = 0; tries < 1'000'000 && (at(flag_register) & transmit_full) != 0; ++tries)
        pause();
    at(data_register) = static_cast<std::uint8_t>(byte);
}

}  // namespace

void early_serial_write(std::string_view text) {
    if (machine.console.value == 0)
        return;
    for (char const byte : text) {
        if (byte == '\n')
            write_byte('\r');
        write_byte(byte);
    }
}

}  // namespace astrata::kernel::arch
