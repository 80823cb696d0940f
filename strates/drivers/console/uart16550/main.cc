// Serves the UART as a stream.
#include "sdk/log.h"
#include "strates/drivers/console/serial/console_server.h"
#include "strates/drivers/console/serial/uart16550.h"
#include "uart16550/environment.h"

namespace astrata {

namespace {

constexpr std::uint32_t interrupt_line = 0;  // the first and only one of the region that the manifest names

class PortRegisters final : public serial::Registers {
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

}  // namespace

Result<> strate_main(uart16550::Environment& environment) {
    PortRegisters registers(environment.ports.get());
    sdk::UniqueHandle const interrupt(
        TRY(sys::interrupt_create(environment.line.get(), interrupt_line, abi::InterruptTrigger::edge_high)));
    using serial::ConsoleServer;
    ConsoleServer server(TRY(ConsoleServer::Input::create(serial::receive_bytes)), TRY(ConsoleServer::Output::create()),
                         interrupt.get());
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.on_signal(interrupt.get(), server));
    auto uart = serial::Uart16550::create(registers, server);
    if (!uart) {
        sdk::log("no 16550 at port 0x3f8");
        return fail(uart.error());
    }
    server.attach(*uart);
    TRY(loop.serve(std::move(environment.stream), server));
    return loop.run();
}

}  // namespace astrata
