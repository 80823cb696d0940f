// Serves the UART as a stream.
#include "abi/stream.h"
#include "lib/stream/output.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/drivers/console/uart16550/uart.h"
#include "uart16550/environment.h"

namespace astrata {

namespace {

constexpr std::size_t receive_bytes = 4096;
constexpr std::uint32_t interrupt_line = 0;  // the first and only one of the region that the manifest names

class PortRegisters final : public uart16550::Registers {
public:
    explicit PortRegisters(abi::Handle ports) : ports_(ports) {}

    // The region covers the eight ports, so accesses cannot fail; if they did, nothing would answer.
    std::uint8_t read(std::uint8_t offset) override {
        return static_cast<std::uint8_t>(sys::port_read(ports_, offset, 1).value_or(0xff));
    }
    void write(std::uint8_t offset, std::uint8_t value) override { (void)sys::port_write(ports_, offset, 1, value); }
    void transmit(Bytes bytes) override { (void)sys::port_write_bytes(ports_, 0, bytes); }

private:
    abi::Handle ports_;
};

class ConsoleServer final : public abi::StreamServer, public uart16550::Stream, public sdk::SignalHandler {
public:
    using Input = stream::Input<ReadResponder>;
    using Output = stream::Output<WriteResponder>;

    ConsoleServer(Input input, Output output, abi::Handle interrupt)
        : input_(std::move(input)), output_(std::move(output)), interrupt_(interrupt) {}

    void attach(uart16550::Uart uart) {
        uart_ = uart;
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
    std::optional<uart16550::Uart> uart_;
};

}  // namespace

Result<> strate_main(uart16550::Environment& environment) {
    PortRegisters registers(environment.ports.get());
    sdk::UniqueHandle const interrupt(
        TRY(sys::interrupt_create(environment.line.get(), interrupt_line, abi::InterruptTrigger::edge_high)));
    ConsoleServer server(TRY(ConsoleServer::Input::create(receive_bytes)), TRY(ConsoleServer::Output::create()),
                         interrupt.get());
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.on_signal(interrupt.get(), server));
    auto const uart = uart16550::Uart::create(registers, server);
    if (!uart) {
        sdk::log("no 16550 at port 0x3f8");
        return fail(uart.error());
    }
    server.attach(*uart);
    TRY(loop.serve(std::move(environment.stream), server));
    return loop.run();
}

}  // namespace astrata
