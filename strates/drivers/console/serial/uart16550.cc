#include "strates/drivers/console/serial/uart16550.h"

#include <algorithm>
#include <array>

namespace astrata::serial {

namespace {

// Registers by offset; with the divisor latch open, 0 and 1 are the divisor.
constexpr std::uint8_t data = 0, interrupt_enable = 1, fifo_control = 2, interrupt_identification = 2, line_control = 3;
constexpr std::uint8_t modem_control = 4, line_status = 5, scratch = 7, divisor_low = 0, divisor_high = 1;

constexpr std::uint8_t enable_received = 0x01, enable_transmitter_empty = 0x02;  // in IER
constexpr std::uint8_t fifo_on_and_cleared = 0x07, fifo_trigger_14 = 0xc0;       // in FCR
constexpr std::uint8_t eight_bits_no_parity = 0x03, open_divisor = 0x80;         // in LCR
constexpr std::uint8_t ready_and_interrupts_out = 0x0b;              // MCR: DTR, RTS, OUT2 (gates the interrupt)
constexpr std::uint8_t data_ready = 0x01, transmitter_empty = 0x20;  // in LSR

// Rounds of one work() call: a line that never ends must not keep the strate from its clients.
constexpr int round_limit = 256;

}  // namespace

Result<Uart16550> Uart16550::create(Registers& registers, Stream& stream) {
    registers.write(interrupt_enable, 0);
    for (std::uint8_t const pattern : {0x5a, 0xa5}) {
        registers.write(scratch, pattern);
        if (registers.read(scratch) != pattern)
            return fail(Error::no_device);
    }
    registers.write(line_control, open_divisor);
    registers.write(divisor_low, 1);  // 115,200 baud
    registers.write(divisor_high, 0);
    registers.write(line_control, eight_bits_no_parity);
    registers.write(fifo_control, fifo_on_and_cleared | fifo_trigger_14);
    registers.write(modem_control, ready_and_interrupts_out);
    return Uart16550(registers, stream);
}

bool Uart16550::receive() {
    std::array<std::byte, fifo_bytes> chunk;
    auto const room = std::min(stream_->input_space(), chunk.size());
    std::size_t count = 0;
    while (count < room && (registers_->read(line_status) & data_ready) != 0)
        chunk[count++] = std::byte{registers_->read(data)};
    if (count != 0)
        stream_->receive(Bytes(chunk).first(count));
    return count != 0;
}

bool Uart16550::transmit() {
    auto const output = stream_->output();
    if (output.empty() || (registers_->read(line_status) & transmitter_empty) == 0)
        return false;
    auto const count = std::min(output.size(), fifo_bytes);  // an empty transmitter has a whole FIFO free
    registers_->transmit(output.first(count));
    stream_->sent(count);
    return true;
}

void Uart16550::set_interrupts(std::uint8_t wanted) {
    if (wanted == enabled_)
        return;
    registers_->write(interrupt_enable, wanted);
    enabled_ = wanted;
}

void Uart16550::work() {
    // Reading the cause lowers a transmitter interrupt; the rest is found by looking.
    (void)registers_->read(interrupt_identification);
    bool has_progress = true;
    for (int round = 0; round < round_limit && has_progress; ++round) {
        bool const has_received = receive();
        bool const has_sent = transmit();
        has_progress = has_received || has_sent;
    }
    // The interrupt is an edge of the OR of all causes. One that is left standing, since there was no end to the work,
    // must rise again.
    if (has_progress)
        set_interrupts(0);
    // Without room for input its interrupt stays off: the FIFO and then the sender's patience take over. Switching the
    // transmitter's on while it is empty raises it at once, so nothing is lost between looking and asking.
    set_interrupts(static_cast<std::uint8_t>((stream_->input_space() != 0 ? enable_received : 0) |
                                             (!stream_->output().empty() ? enable_transmitter_empty : 0)));
}

}  // namespace astrata::serial
