#include "strates/drivers/console/serial/pl011.h"

#include <algorithm>
#include <array>

namespace astrata::serial {

namespace {

// Section 3.2. UARTDR, UARTFR, UARTLCR_H, UARTCR, UARTIFLS, UARTIMSC, UARTICR, UARTPeriphID0 and 1.
constexpr std::size_t data = 0x00, flags = 0x18, line_control = 0x2c, control = 0x30, fifo_levels = 0x34,
                      interrupt_mask = 0x38, interrupt_clear = 0x44, identification_0 = 0xfe0, identification_1 = 0xfe4;

constexpr std::uint32_t receive_fifo_empty = 1U << 4, transmit_fifo_full = 1U << 5;            // in UARTFR
constexpr std::uint32_t fifos_on = 1U << 4, eight_bits = 3U << 5;                              // in UARTLCR_H
constexpr std::uint32_t uart_on = 1U << 0, transmitter_on = 1U << 8, receiver_on = 1U << 9;    // in UARTCR
constexpr std::uint32_t received = 1U << 4, transmitted = 1U << 5, receive_timeout = 1U << 6;  // interrupts
constexpr std::uint32_t all_interrupts = 0x7ff;
constexpr std::uint32_t receive_at_half = 2U << 3, transmit_at_eighth = 0;  // in UARTIFLS

// As Uart16550's: a line that never ends must not keep the strate from its clients.
constexpr int round_limit = 256;

}  // namespace

Result<Pl011> Pl011::create(mmio::Window registers, Stream& stream) {
    auto const part = registers.read_at<std::uint32_t>(identification_0) & 0xff;
    if (part != 0x11 || (registers.read_at<std::uint32_t>(identification_1) & 0xf) != 0)
        return fail(Error::no_device);
    registers.write_at(interrupt_mask, std::uint32_t{0});
    registers.write_at(interrupt_clear, all_interrupts);
    registers.write_at(line_control, fifos_on | eight_bits);
    registers.write_at(fifo_levels, receive_at_half | transmit_at_eighth);
    registers.write_at(control, uart_on | transmitter_on | receiver_on);
    return Pl011(registers, stream);
}

bool Pl011::receive() {
    std::array<std::byte, 16> chunk;
    auto const room = std::min(stream_->input_space(), chunk.size());
    std::size_t count = 0;
    while (count < room && (registers_.read_at<std::uint32_t>(flags) & receive_fifo_empty) == 0)
        chunk[count++] = static_cast<std::byte>(registers_.read_at<std::uint32_t>(data));
    if (count != 0)
        stream_->receive(Bytes(chunk).first(count));
    return count != 0;
}

bool Pl011::transmit() {
    auto const output = stream_->output();
    std::size_t count = 0;
    for (; count < output.size() && (registers_.read_at<std::uint32_t>(flags) & transmit_fifo_full) == 0; ++count)
        registers_.write_at(data, std::to_integer<std::uint32_t>(output[count]));
    if (count != 0)
        stream_->sent(count);
    return count != 0;
}

void Pl011::work() {
    registers_.write_at(interrupt_clear, received | receive_timeout | transmitted);
    bool has_progress = true;
    for (int round = 0; round < round_limit && has_progress; ++round) {
        bool const has_received = receive();
        bool const has_sent = transmit();
        has_progress = has_received || has_sent;
    }
    // Without room for input its interrupts stay off: the FIFO and then the sender's patience take over. The
    // transmitter's comes when the FIFO drains, which it is full of just now if there is more to send.
    registers_.write_at(interrupt_mask, (stream_->input_space() != 0 ? received | receive_timeout : 0) |
                                            (!stream_->output().empty() ? transmitted : 0));
}

}  // namespace astrata::serial
