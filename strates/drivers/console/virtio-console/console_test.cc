#include "strates/drivers/console/virtio-console/console.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "abi/vdso_unsupported.h"
#include "lib/virtio/simulated_transport.h"

namespace astrata::virtio_console {
namespace {

using virtio::SharedDma;
using virtio::SimulatedTransport;

// Answers of Stream calls, by the number that stands for the reply handle.
struct Answers {
    static inline std::map<std::uint64_t, std::string> texts;
    static inline std::map<std::uint64_t, Error> errors;

    Answers() {
        texts.clear();
        errors.clear();
        astrata_vdso.endpoint_reply = [](abi::Handle handle, abi::Message const* message) -> std::uint64_t {
            if (message->info.label() != 0) {
                errors[handle] = static_cast<Error>(message->info.label());
            } else {
                // A read's reply is a length and the bytes.
                auto const payload = sdk::payload_of(*message);
                texts[handle] = payload.empty() ? "written" : std::string(as_text(payload.subspan(4)));
            }
            return 0;
        };
        astrata_vdso.handle_close = [](std::uint64_t) -> std::uint64_t { return 0; };
    }
    ~Answers() { astrata_vdso = unsupported_vdso_table; }
};

template <typename Responder>
Responder responder(std::uint64_t number) {
    return Responder(sdk::UniqueHandle(number));
}

// A host with two named ports, 1 and 2, that behaves as QEMU does.
class Host {
public:
    explicit Host(std::uint64_t features = 2) : transport(dma, features, 20) {
        EXPECT_TRUE(store(transport.configuration, 4, std::uint32_t{5}));
    }

    SharedDma dma{1 << 20};
    SimulatedTransport transport;
    std::map<std::uint32_t, bool> is_guest_open;
    std::string sent_by_guest;
    bool takes_output = true;

    void control(std::uint32_t port, std::uint16_t event, std::uint16_t value, std::string_view name = {}) {
        auto& queue = transport.queue(2);
        auto const chain = queue.next();
        ASSERT_TRUE(chain);
        auto const into = dma.memory.at(chain->writable[0].device_address, chain->writable[0].length);
        ASSERT_TRUE(store(into, 0, port));
        ASSERT_TRUE(store(into, 4, event));
        ASSERT_TRUE(store(into, 6, value));
        std::ranges::copy(as_bytes(name), into.begin() + 8);
        queue.complete(chain->head, static_cast<std::uint32_t>(8 + name.size()));
    }

    // Answers the guest's control messages until there are none.
    void run() {
        while (auto const chain = transport.queue(3).next()) {
            auto const from = dma.memory.at(chain->readable[0].device_address, 8);
            auto const port = load<std::uint32_t>(from, 0).value();
            auto const event = load<std::uint16_t>(from, 4).value();
            transport.queue(3).complete(chain->head, 0);
            if (event == 0) {  // DEVICE_READY
                control(1, 1, 1);
                control(2, 1, 1);
                control(77, 1, 1);    // a port that cannot exist
            } else if (event == 3) {  // PORT_READY
                control(port, 7, 1, port == 1 ? std::string_view("org.astrata.stdin\0", 18) : "org.astrata.control");
                control(port, 6, 1);
            } else if (event == 6) {
                is_guest_open[port] = load<std::uint16_t>(from, 6).value() != 0;
            }
        }
        if (!takes_output || !transport.has_queue(5))
            return;
        while (auto const chain = transport.queue(5).next()) {
            for (auto const& segment : chain->readable)
                sent_by_guest += as_text(dma.memory.at(segment.device_address, segment.length));
            transport.queue(5).complete(chain->head, 0);
        }
    }

    // False when the guest has no buffer for it.
    bool send(std::string_view text) {
        auto const chain = transport.queue(4).next();
        if (!chain)
            return false;
        std::ranges::copy(as_bytes(text), dma.memory.at(chain->writable[0].device_address, text.size()).begin());
        transport.queue(4).complete(chain->head, static_cast<std::uint32_t>(text.size()));
        return true;
    }
};

class VirtioConsole : public testing::Test {
protected:
    void SetUp() override {
        console = Console::create(host.transport, host.dma, 0).value();
        for (int round = 0; round < 4; ++round) {
            host.run();
            ASSERT_TRUE(console->work());
        }
    }
    Port& open() {
        auto& port = *console->find("org.astrata.stdin").value();
        EXPECT_TRUE(console->open(port));
        host.run();
        EXPECT_TRUE(console->work());
        return port;
    }

    Answers answers;
    Host host;
    std::unique_ptr<Console> console;
};

TEST_F(VirtioConsole, learns_its_ports_by_name) {
    EXPECT_FALSE(console->awaits_names());
    EXPECT_EQ(console->find("org.astrata.stdin").value()->number(), 1u);
    EXPECT_EQ(console->find("org.astrata.control").value()->number(), 2u);
    EXPECT_EQ(console->find("org.astrata.nothing").error(), Error::not_found);
    EXPECT_FALSE(host.is_guest_open[1]);
    open();
    EXPECT_TRUE(host.is_guest_open[1]);
    EXPECT_FALSE(host.is_guest_open[2]);
}

TEST_F(VirtioConsole, input_reaches_readers_and_end_comes_last) {
    auto& port = open();
    port.read(4000, responder<Port::Read>(1));
    EXPECT_TRUE(host.send("hello"));
    host.control(1, 6, 0);  // the host closes right after
    ASSERT_TRUE(console->work());
    EXPECT_EQ(Answers::texts[1], "hello");
    port.read(4000, responder<Port::Read>(2));
    ASSERT_TRUE(console->work());
    EXPECT_EQ(Answers::texts.at(2), "");
    // It connects again.
    host.control(1, 6, 1);
    ASSERT_TRUE(console->work());
    port.read(4000, responder<Port::Read>(3));
    ASSERT_TRUE(console->work());
    EXPECT_FALSE(Answers::texts.contains(3));
    EXPECT_TRUE(host.send("again"));
    ASSERT_TRUE(console->work());
    EXPECT_EQ(Answers::texts[3], "again");
}

// A host that has something to say looks for buffers only when it is told of them, and not while the port is closed.
TEST_F(VirtioConsole, input_that_waited_for_the_port_to_open_arrives) {
    auto const times_told = [&] { return host.transport.notified.count(4); };
    bool is_delivered = false;
    auto seen = times_told();
    host.transport.on_notify = [&] {
        host.run();
        if (times_told() > seen && host.is_guest_open[1] && !is_delivered)
            is_delivered = host.send("early");
        seen = times_told();
    };
    auto& port = *console->find("org.astrata.stdin").value();
    ASSERT_TRUE(console->open(port));
    port.read(4000, responder<Port::Read>(1));
    ASSERT_TRUE(console->work());
    EXPECT_TRUE(is_delivered);
    EXPECT_EQ(Answers::texts[1], "early");
}

TEST_F(VirtioConsole, slow_readers_hold_the_host_back_and_lose_nothing) {
    auto& port = open();
    std::string sent;
    for (int index = 0; index < 100; ++index) {
        std::string const text(1000, static_cast<char>('a' + index % 26));
        ASSERT_TRUE(console->work());
        if (!host.send(text))
            break;
        sent += text;
    }
    EXPECT_LT(sent.size(), 50'000u);  // it ran out of buffers
    EXPECT_GE(sent.size(), 8'000u);
    host.control(1, 6, 0);
    std::string received;
    for (std::uint64_t number = 1; number < 100; ++number) {
        port.read(3000, responder<Port::Read>(number));
        ASSERT_TRUE(console->work());
        ASSERT_TRUE(Answers::texts.contains(number));
        if (Answers::texts[number].empty())
            break;
        received += Answers::texts[number];
    }
    EXPECT_EQ(received, sent);
    host.control(1, 6, 1);
    ASSERT_TRUE(console->work());
    EXPECT_TRUE(host.send("x"));  // buffers are back
}

TEST_F(VirtioConsole, writes_are_answered_when_the_device_has_taken_them) {
    auto& port = open();
    host.takes_output = false;
    std::string expected;
    for (std::uint64_t number = 1; number <= 25; ++number) {
        std::string const text = "line " + std::to_string(number) + "\n";
        port.write(as_bytes(text), responder<Port::Write>(number));
        if (number <= 24)
            expected += text;
    }
    ASSERT_TRUE(console->work());
    EXPECT_TRUE(Answers::texts.empty());
    EXPECT_EQ(Answers::errors[25], Error::no_resources);  // eight in the device, sixteen waiting
    host.takes_output = true;
    for (int round = 0; round < 10; ++round) {
        host.run();
        ASSERT_TRUE(console->work());
    }
    EXPECT_EQ(host.sent_by_guest, expected);
    EXPECT_EQ(Answers::texts.size(), 24u);
}

TEST_F(VirtioConsole, a_removed_port_fails_its_clients) {
    auto& port = open();
    port.read(10, responder<Port::Read>(1));
    host.control(1, 2, 1);
    ASSERT_TRUE(console->work());
    EXPECT_EQ(Answers::errors[1], Error::no_device);
    port.read(10, responder<Port::Read>(2));
    EXPECT_EQ(Answers::errors[2], Error::no_device);
    EXPECT_EQ(console->find("org.astrata.stdin").error(), Error::not_found);
}

TEST_F(VirtioConsole, a_lying_device_is_an_error) {
    auto& port = open();
    port.read(10, responder<Port::Read>(1));
    auto const chain = host.transport.queue(4).next();
    host.transport.queue(4).complete(chain->head, 5000);  // more than the buffer holds
    EXPECT_EQ(console->work().error(), Error::io);
}

TEST(VirtioConsoleWithoutPorts, has_one_console) {
    Answers answers;
    Host host(1);  // only the size feature
    ASSERT_TRUE(store(host.transport.configuration, 0, std::uint16_t{132}));
    ASSERT_TRUE(store(host.transport.configuration, 2, std::uint16_t{43}));
    auto const console = Console::create(host.transport, host.dma, 0).value();
    EXPECT_EQ(console->port_count(), 1u);
    auto& port = *console->find("console").value();
    EXPECT_TRUE(console->open(port));
    EXPECT_EQ(port.columns(), 132);
    EXPECT_EQ(port.rows(), 43);
}

}  // namespace
}  // namespace astrata::virtio_console
