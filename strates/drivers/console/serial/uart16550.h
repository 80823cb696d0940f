// A 16550 UART (PC16550D data sheet): set-up, and moving bytes between its FIFOs and a stream's two halves.
#pragma once

#include "strates/drivers/console/serial/uart.h"

namespace astrata::serial {

/// How its eight registers are reached.
class Registers {
public:
    virtual std::uint8_t read(std::uint8_t offset) = 0;
    virtual void write(std::uint8_t offset, std::uint8_t value) = 0;
    /// Each byte to register 0, the transmitter's.
    virtual void transmit(Bytes bytes) = 0;

protected:
    ~Registers() = default;
};

class Uart16550 final : public Uart {
public:
    static constexpr std::size_t fifo_bytes = 16;

    /// Sets the line up with interrupts off.
    /// errors    no_device (nothing answers like a 16550)
    [[nodiscard]] static Result<Uart16550> create(Registers& registers, Stream& stream);

    void work() override;

private:
    Uart16550(Registers& registers, Stream& stream) : registers_(&registers), stream_(&stream) {}

    bool receive();
    bool transmit();
    void set_interrupts(std::uint8_t wanted);

    Registers* registers_;
    Stream* stream_;
    std::uint8_t enabled_ = 0;
};

}  // namespace astrata::serial
