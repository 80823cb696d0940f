// A 16550 UART where the devicetree says, polled (National Semiconductor PC16550D data sheet, section 8).
#include "arch/early_serial.h"

#include <cstdint>

#include "arch/cpu.h"
#include "arch/direct_map.h"
#include "kernel/arch/riscv64/machine.h"

namespace astrata::kernel::arch {

namespace {

constexpr unsigned data_register = 0;
constexpr unsigned line_status_register = 5;
constexpr std::uint8_t transmitter_empty = 1U << 5;  // THRE
// The direct map shows its page, which read_machine reserves.
std::uint8_t volatile& at(unsigned index) {
    auto const base = reinterpret_cast<std::uint64_t>(phys_to_virt(machine.serial));
    return *reinterpret_cast<std::uint8_t volatile*>(base + (std::uint64_t{index} << machine.serial_shift));
}

void write_byte(char byte) {
    // Bounded, so that a machine whose port is stuck is not.
    for (int tries = 0; tries < 10'000 && (at(line_status_register) & transmitter_empty) == 0; ++tries)
        pause();
    at(data_register) = static_cast<std::uint8_t>(byte);
}

}  // namespace

void early_serial_write(std::string_view text) {
    if (machine.serial.value == 0)
        return;
    for (char const byte : text) {
        if (byte == '\n')
            write_byte('\r');
        write_byte(byte);
    }
}

}  // namespace astrata::kernel::arch
