// What all serial ports have in common.
#pragma once

#include "lib/base/bytes.h"
#include "lib/base/result.h"

namespace astrata::serial {

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
    /// Moves what can be moved and asks for the interrupts that the rest needs. To be called on every interrupt, and
    /// whenever the stream has new output or room for input again.
    virtual void work() = 0;

protected:
    ~Uart() = default;
};

}  // namespace astrata::serial
