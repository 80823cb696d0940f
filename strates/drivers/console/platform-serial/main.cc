// Serves a serial port whose registers lie in memory.
#include "platform-serial/environment.h"
#include "sdk/driver/device.h"
#include "sdk/log.h"
#include "strates/drivers/console/serial/console_server.h"
#include "strates/drivers/console/serial/pl011.h"
#include "strates/drivers/console/serial/uart16550.h"

namespace astrata {

namespace {

class MemoryRegisters final : public serial::Registers {
public:
    explicit MemoryRegisters(mmio::Window window) : window_(window) {}

    std::uint8_t read(std::uint8_t offset) override { return window_.read_at<std::uint8_t>(offset); }
    void write(std::uint8_t offset, std::uint8_t value) override { window_.write_at(offset, value); }
    void transmit(Bytes bytes) override {
        for (auto const byte : bytes)
            window_.write_at(0, std::to_integer<std::uint8_t>(byte));
    }

private:
    mmio::Window window_;
};

}  // namespace

Result<> strate_main(platform_serial::Environment& environment) {
    using serial::ConsoleServer;
    abi::DeviceClient const device(environment.device.get());
    auto const description = TRY(device.description());
    auto const window = TRY(sdk::MappedWindow::map(device, 0));
    auto const interrupt = TRY(device.interrupt(0));
    ConsoleServer server(TRY(ConsoleServer::Input::create(serial::receive_bytes)), TRY(ConsoleServer::Output::create()),
                         interrupt.interrupt.get());
    auto loop = TRY(sdk::EventLoop::create());
    TRY(loop.on_signal(interrupt.interrupt.get(), server));
    MemoryRegisters registers(window.registers());
    std::optional<serial::Uart16550> uart16550;
    std::optional<serial::Pl011> pl011;
    if (description.name.view() == "pl011")
        server.attach(pl011.emplace(TRY(serial::Pl011::create(window.registers(), server))));
    else
        server.attach(uart16550.emplace(TRY(serial::Uart16550::create(registers, server))));
    TRY(loop.serve(std::move(environment.stream), server));
    return loop.run();
}

}  // namespace astrata
