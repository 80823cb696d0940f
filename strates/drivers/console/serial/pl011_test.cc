#include "strates/drivers/console/serial/pl011.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace astrata::serial {
namespace {

// Registers that keep what is written; nothing arrives and everything leaves at once unless a test sets flags.
class Pl011Test : public testing::Test, public Stream {
protected:
    Pl011Test() : registers_(1024) { set(0xfe0, 0x11); }

    void set(std::size_t offset, std::uint32_t value) { registers_[offset / 4] = value; }
    [[nodiscard]] std::uint32_t get(std::size_t offset) const { return registers_[offset / 4]; }
    mmio::Window window() { return mmio::Window(std::as_writable_bytes(std::span(registers_))); }

    std::size_t input_space() override { return space; }
    void receive(Bytes bytes) override {
        received.append(as_text(bytes));
        space -= bytes.size();
    }
    Bytes output() override { return as_bytes(to_send); }
    void sent(std::size_t count) override { to_send.erase(0, count); }

    static constexpr std::uint32_t no_input = 1U << 4, no_room = 1U << 5;
    std::size_t space = 5;
    std::string to_send;
    std::string received;

private:
    std::vector<std::uint32_t> registers_;
};

TEST_F(Pl011Test, is_recognised_by_its_identification) {
    EXPECT_TRUE(Pl011::create(window(), *this));
    EXPECT_EQ(get(0x30), 0x301U);
    set(0xfe0, 0x31);
    EXPECT_EQ(Pl011::create(window(), *this).error(), Error::no_device);
}

TEST_F(Pl011Test, sends_what_fits_and_asks_to_be_told_of_room) {
    auto uart = Pl011::create(window(), *this).value();
    to_send = "abc";
    set(0x18, no_input | no_room);
    uart.work();
    EXPECT_EQ(to_send, "abc");
    EXPECT_EQ(get(0x38), 0x70U);
    set(0x18, no_input);
    uart.work();
    EXPECT_EQ(to_send, "");
    EXPECT_EQ(get(0x00), std::uint32_t{'c'});
    EXPECT_EQ(get(0x38), 0x50U);
}

TEST_F(Pl011Test, receives_no_more_than_there_is_room_for) {
    auto uart = Pl011::create(window(), *this).value();
    set(0x00, 'x');
    set(0x18, no_room);
    uart.work();
    EXPECT_EQ(received, "xxxxx");
    // The rest waits in the FIFO, silently.
    EXPECT_EQ(get(0x38), 0U);
}

}  // namespace
}  // namespace astrata::serial
