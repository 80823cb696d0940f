// Serves the ports of a virtio console as streams.
#include "sdk/driver/virtio_device.h"
#include "sdk/event_loop.h"
#include "sdk/log.h"
#include "strates/drivers/console/virtio-console/console.h"
#include "virtio-console/environment.h"

namespace astrata {

namespace {

using virtio_console::Console;
using virtio_console::Port;

// Interrupts and clients' calls both end in Console::work; a device that breaks the rules ends the strate, and its
// supervisor starts it anew with a reset device.
class ConsoleLoop final : public sdk::SignalHandler {
public:
    ConsoleLoop(sdk::VirtioDevice& device, Console& console, sdk::EventLoop& loop)
        : device_(device), console_(console), loop_(loop) {}

    void work() {
        if (auto const result = console_.work(); !result) {
            failure_ = result;
            loop_.stop();
        }
    }
    void on_signal(std::uint64_t) override {
        device_.begin_interrupt();
        work();
        device_.end_interrupt();
    }
    [[nodiscard]] Result<> failure() const { return failure_; }
    [[nodiscard]] Console& console() { return console_; }

private:
    sdk::VirtioDevice& device_;
    Console& console_;
    sdk::EventLoop& loop_;
    Result<> failure_;
};

// All ports share one server: Caller::badge tells them apart.
class PortServer final : public abi::StreamServer {
public:
    explicit PortServer(ConsoleLoop& loop) : loop_(loop) {}

    void read(sdk::Caller const& caller, ReadRequest const& request, ReadResponder responder) override {
        with_port(caller, responder, [&](Port& port) { port.read(request.limit, std::move(responder)); });
        loop_.work();
    }
    void write(sdk::Caller const& caller, WriteRequest const& request, WriteResponder responder) override {
        with_port(caller, responder, [&](Port& port) { port.write(request.bytes, std::move(responder)); });
        loop_.work();
    }
    void unread(sdk::Caller const& caller, UnreadRequest const& request, UnreadResponder responder) override {
        with_port(caller, responder, [&](Port& port) {
            if (auto const result = port.unread(request.bytes); !result)
                return responder.fail(result.error());
            responder.reply();
        });
    }
    void size(sdk::Caller const& caller, SizeRequest const&, SizeResponder responder) override {
        with_port(caller, responder, [&](Port& port) { responder.reply(port.columns(), port.rows()); });
    }

private:
    template <typename Responder, typename Action>
    void with_port(sdk::Caller const& caller, Responder& responder, Action action) {
        // Badges are port numbers plus one and come from us; only open ports have been given out.
        auto const index = caller.badge - 1;
        if (index >= loop_.console().port_count() || !loop_.console().port(index).is_open())
            return responder.fail(Error::bad_state);
        action(loop_.console().port(index));
    }

    ConsoleLoop& loop_;
};

class DirectoryServer final : public abi::StreamDirectoryServer {
public:
    DirectoryServer(ConsoleLoop& loop, sdk::UniqueHandle const& ports) : loop_(loop), ports_(ports) {}

    void open(sdk::Caller const&, OpenRequest const& request, OpenResponder responder) override {
        auto const port = loop_.console().find(request.name);
        if (!port)
            return responder.fail(port.error());
        if (auto const opened = loop_.console().open(**port); !opened)
            return responder.fail(opened.error());
        using enum abi::Rights;
        auto stream = ports_.duplicate(send | duplicate | transfer, (*port)->number() + 1);
        if (!stream)
            return responder.fail(stream.error());
        responder.reply(std::move(*stream));
    }
    void list(sdk::Caller const&, ListRequest const&, ListResponder responder) override {
        TextBuffer<virtio_console::port_limit*(virtio_console::name_limit + 1)> names;
        for (std::size_t index = 0; index < loop_.console().port_count(); ++index) {
            auto const& port = loop_.console().port(index);
            if (port.exists() && port.is_named())
                names.append(port.name()).append('\0');
        }
        responder.reply(as_bytes(names.view()));
    }

private:
    ConsoleLoop& loop_;
    sdk::UniqueHandle const& ports_;
};

// Hosts name their ports right after being asked; until they have, nobody can open one. A host that takes longer is
// not waited for.
Result<> await_names(Console& console) {
    constexpr int attempts = 100;
    constexpr std::uint64_t pause_ns = 200'000;
    TRY(console.work());
    for (int attempt = 0; attempt < attempts && console.awaits_names(); ++attempt) {
        TRY(sys::thread_sleep(sys::clock_now() + pause_ns));
        TRY(console.work());
    }
    return {};
}

}  // namespace

Result<> strate_main(virtio_console::Environment& environment) {
    auto const device = TRY(sdk::VirtioDevice::open(environment.device.get()));
    auto const console = TRY(Console::create(device->transport(), device->dma(), device->vector()));
    TRY(await_names(*console));
    auto loop = TRY(sdk::EventLoop::create());
    ConsoleLoop console_loop(*device, *console, loop);
    TRY(loop.on_signal(device->interrupt(), console_loop));
    sdk::UniqueHandle endpoint(TRY(sys::endpoint_create()));
    // The loop keeps the receiving handle; the streams are derived from one that only sends.
    using enum abi::Rights;
    auto const ports = TRY(endpoint.duplicate(send | duplicate | transfer));
    PortServer port_server(console_loop);
    DirectoryServer directory(console_loop, ports);
    TRY(loop.serve(std::move(endpoint), port_server));
    TRY(loop.serve(std::move(environment.stream_directory), directory));
    console_loop.work();
    TRY(loop.run());
    return console_loop.failure();
}

}  // namespace astrata
