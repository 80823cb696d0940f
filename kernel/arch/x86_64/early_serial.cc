// 16550 UART at COM1, polled (National Semiconductor PC16550D data sheet, section 8).
#include "arch/early_serial.h"

#include <cstdint>

#include "arch/cpu.h"
#include "arch/ports.h"

namespace astrata::kernel::arch {

namespace {

constexpr std::uint16_t data_port = 0x3f8;
constexpr std::uint16_t line_status_port = 0x3fd;
constexpr std::uint8_t transmitter_empty = 1U << 5;  // THRE

void write_byte(char byte) {
    // Bounded, so that a machine without the port is not stuck here.
    for (int tries = 0; tries < 10'000 && (port_in<std::uint8_t>(line_status_port) & transmitter_empty) == 0; ++tries)
        pause();
    port_out(data_port, static_cast<std::uint8_t>(byte));
}

}  // namespace

void early_serial_write(std::string_view text) {
    for (char const byte : text) {
        if (byte == '\n')
            write_byte('\r');
        write_byte(byte);
    }
}

}  // namespace astrata::kernel::arch
