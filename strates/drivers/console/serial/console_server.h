// Serves a serial port as a stream.
#pragma once

#include "abi/stream.h"
#include "lib/stream/output.h"
#include "sdk/event_loop.h"
#include "strates/drivers/console/serial/uart.h"

namespace astrata::serial {

inline constexpr std::size_t receive_bytes = 4096;

class ConsoleServer final : public abi::StreamServer, public Stream, public sdk::SignalHandler {
public:
    using Input = stream::Input<ReadResponder>;
    using Output = stream::Output<WriteResponder>;

    ConsoleServer(Input input, Output output, abi::Handle interrupt)
        : input_(std::move(input)), output_(std::move(output)), interrupt_(interrupt) {}

    /// uart    borrowed
    void attach(Uart& uart) {
        uart_ = &uart;
        uart_->work();
    }

    // Stream's clients.
    void read(sdk::Caller const&, ReadRequest const& request, ReadResponder responder) override {
        input_.read(request.limit, std::move(responder));
        uart_->work();  // there may be room again
    }
    void write(sdk::Caller const&, WriteRequest const& request, WriteResponder responder) override {
        output_.write(request.bytes, std::move(responder));
        uart_->work();
    }
    void unread(sdk::Caller const&, UnreadRequest const& request, UnreadResponder responder) override {
        if (auto const result = input_.unread(request.bytes); !result)
            return responder.fail(result.error());
        responder.reply();
    }
    void size(sdk::Caller const&, SizeRequest const&, SizeResponder responder) override { responder.reply(0, 0); }

    // The device.
    void on_signal(std::uint64_t) override {
        uart_->work();
        (void)sys::interrupt_acknowledge(interrupt_);
    }
    std::size_t input_space() override { return input_.space(); }
    void receive(Bytes bytes) override { input_.receive(bytes); }
    Bytes output() override { return output_.pending(); }
    void sent(std::size_t count) override { output_.accept(count); }

private:
    Input input_;
    Output output_;
    abi::Handle interrupt_;
    Uart* uart_ = nullptr;
};

}  // namespace astrata::serial
