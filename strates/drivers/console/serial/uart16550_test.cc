#include "strates/drivers/console/serial/uart16550.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace astrata::serial {
namespace {

// A 16550 with its line connected to strings. Transmission takes time: the FIFO empties when drain() is called.
class SimulatedUart final : public Registers {
public:
    bool is_present = true;
    bool is_instant = true;
    std::deque<char> received;  // in the receive FIFO
    std::string in_fifo;
    std::string sent;
    std::uint8_t interrupt_enable = 0;
    std::uint8_t modem_control = 0;
    bool had_overrun = false;

    std::uint8_t read(std::uint8_t offset) override {
        if (!is_present)
            return 0xff;
        switch (offset) {
        case 0: {
            auto const value = static_cast<std::uint8_t>(received.front());
            received.pop_front();
            return value;
        }
        case 2: return has_interrupt() ? 0xc0 : 0xc1;
        case 5: return static_cast<std::uint8_t>((received.empty() ? 0 : 1) | (in_fifo.empty() ? 0x60 : 0));
        case 7: return scratch_;
        default: return 0;
        }
    }
    void write(std::uint8_t offset, std::uint8_t value) override {
        switch (offset) {
        case 1:
            if ((line_control_ & 0x80) == 0)
                interrupt_enable = value;
            break;
        case 3: line_control_ = value; break;
        case 4: modem_control = value; break;
        case 7: scratch_ = value; break;
        default: break;
        }
    }
    void transmit(Bytes bytes) override {
        in_fifo += as_text(bytes);
        had_overrun = had_overrun || in_fifo.size() > 16;
        if (is_instant)
            drain();
    }
    void drain() {
        sent += in_fifo;
        in_fifo.clear();
    }
    [[nodiscard]] bool has_interrupt() const {
        return ((interrupt_enable & 1) != 0 && !received.empty()) || ((interrupt_enable & 2) != 0 && in_fifo.empty());
    }

private:
    std::uint8_t scratch_ = 0;
    std::uint8_t line_control_ = 0;
};

class StringStream final : public Stream {
public:
    std::string received;
    std::size_t capacity = 1000;
    std::string to_send;

    std::size_t input_space() override { return capacity - received.size(); }
    void receive(Bytes bytes) override { received += as_text(bytes); }
    Bytes output() override { return as_bytes(to_send); }
    void sent(std::size_t count) override { to_send.erase(0, count); }
};

TEST(Uart16550, absence_is_noticed) {
    SimulatedUart device;
    device.is_present = false;
    StringStream stream;
    EXPECT_EQ(Uart16550::create(device, stream).error(), Error::no_device);
}

TEST(Uart16550, moves_bytes_both_ways) {
    SimulatedUart device;
    StringStream stream;
    auto uart = Uart16550::create(device, stream).value();
    EXPECT_EQ(device.modem_control & 8, 8);
    for (char const letter : std::string_view("typed text longer than a FIFO"))
        device.received.push_back(letter);
    stream.to_send = std::string(100, 'x');
    uart.work();
    EXPECT_EQ(stream.received, "typed text longer than a FIFO");
    EXPECT_EQ(device.sent, std::string(100, 'x'));
    EXPECT_EQ(device.interrupt_enable, 1);
}

TEST(Uart16550, a_slow_line_is_fed_by_interrupts_without_overrun) {
    SimulatedUart device;
    device.is_instant = false;
    StringStream stream;
    auto uart = Uart16550::create(device, stream).value();
    stream.to_send = std::string(50, 'y');
    uart.work();
    EXPECT_EQ(device.in_fifo.size(), 16u);
    EXPECT_EQ(device.interrupt_enable, 3);
    int interrupts = 0;
    for (; device.sent.size() < 50 && interrupts < 100; ++interrupts) {
        device.drain();
        if (device.has_interrupt())
            uart.work();
    }
    EXPECT_EQ(interrupts, 4);
    EXPECT_EQ(device.interrupt_enable, 1);
    EXPECT_FALSE(device.had_overrun);
}

TEST(Uart16550, a_full_ring_holds_the_device_back) {
    SimulatedUart device;
    StringStream stream;
    stream.capacity = 5;
    auto uart = Uart16550::create(device, stream).value();
    for (char const letter : std::string_view("0123456789"))
        device.received.push_back(letter);
    uart.work();
    EXPECT_EQ(stream.received, "01234");
    EXPECT_EQ(device.interrupt_enable, 0);
    EXPECT_FALSE(device.has_interrupt());
    stream.received.clear();
    uart.work();
    EXPECT_EQ(stream.received, "56789");
}

TEST(Uart16550, an_endless_sender_does_not_keep_it_for_ever) {
    class Endless final : public Registers {
    public:
        std::uint8_t read(std::uint8_t offset) override { return offset == 7 ? scratch_ : 0x61; }
        void write(std::uint8_t offset, std::uint8_t value) override { scratch_ = offset == 7 ? value : scratch_; }
        void transmit(Bytes) override {}

    private:
        std::uint8_t scratch_ = 0;
    } device;
    StringStream stream;
    stream.capacity = 1 << 30;
    auto uart = Uart16550::create(device, stream).value();
    uart.work();
    EXPECT_LE(stream.received.size(), 256u * 16);
}

}  // namespace
}  // namespace astrata::serial
