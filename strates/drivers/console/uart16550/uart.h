// A 16550 UART (PC16550D data sheet): set-up, and moving bytes between its FIFOs and a stream's two halves.
#pragma once

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::uart16550 {

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

/// Who takes received bytes and supplies those to send.
class Stream {
public:
    [[nodiscard]] virtual std::size_t input_space() = 0;
    virtual void receive(Bytes bytes) = 0;
    /// The oldest bytes to send, empty if there are none.
    [[nodiscard]] virtual Bytes output() = 0;
    /// The first `count` bytes of output() are in the device.
    virtual void sent(std::size_t count) = 0;

protected:
    ~Stream() = default;
};

class Uart {
public:
    static constexpr std::size_t fifo_bytes = 16;

    /// Sets the line up with interrupts off.
    /// errors    no_device (nothing answers like a 16550)
    [[nodiscard]] static Result<Uart> create(Registers& registers, Stream& stream);

    /// Moves what can be moved and asks for the interrupts that the rest needs. To be called on every interrupt, and
    /// whenever the stream has new output or room for input again.
    void work();

private:
    Uart(Registers& registers, Stream& stream) : registers_(&registers), stream_(&stream) {}

    bool receive();
    bool transmit();
    void set_interrupts(std::uint8_t wanted);

    Registers* registers_;
    Stream* stream_;
    std::uint8_t enabled_ = 0;
};

}  // namespace astrata::uart16550
