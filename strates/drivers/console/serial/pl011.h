// An Arm PrimeCell UART (PL011, DDI 0183), as firmware has set its line up.
#pragma once

#include "lib/mmio/registers.h"
#include "strates/drivers/console/serial/uart.h"

namespace astrata::serial {

class Pl011 final : public Uart {
public:
    /// Receives and transmits from now on, with interrupts off.
    /// registers   4 KiB of them
    /// errors      no_device (the identification is another's)
    [[nodiscard]] static Result<Pl011> create(mmio::Window registers, Stream& stream);

    void work() override;

private:
    Pl011(mmio::Window registers, Stream& stream) : registers_(registers), stream_(&stream) {}

    bool receive();
    bool transmit();

    mmio::Window registers_;
    Stream* stream_;
};

}  // namespace astrata::serial
