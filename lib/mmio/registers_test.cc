#include "lib/mmio/registers.h"

#include <gtest/gtest.h>

#include <array>

namespace astrata::mmio {
namespace {

struct Control : Register<4, std::uint32_t> {
    using Enable = Field<0>;
    using Level = Field<4, 3>;
    using Whole = Field<0, 32>;
};
struct Status : Register<8, std::uint8_t> {};

struct alignas(8) Memory {
    std::array<std::byte, 16> bytes{};
};

TEST(Registers, fields_shift_and_mask) {
    static_assert(Control::Level::of(5) == 0x50);
    static_assert(Control::Level::of(0xff) == 0x70);
    static_assert(Control::Level::in(0xabcd) == 4);
    static_assert(Control::Level::replaced(0xffff'ffff, 0) == 0xffff'ff8f);
    static_assert(Control::Whole::of(0xffff'ffff) == 0xffff'ffff);
}

TEST(Registers, a_window_accesses_the_right_place) {
    Memory memory;
    Window const window(memory.bytes);
    window.write<Control>(Control::Enable::of(1) | Control::Level::of(2));
    EXPECT_EQ(memory.bytes[4], std::byte{0x21});
    EXPECT_EQ(window.read<Control>(), 0x21u);
    window.write<Status>(7);
    EXPECT_EQ(memory.bytes[8], std::byte{7});
    EXPECT_EQ(memory.bytes[9], std::byte{0});
}

TEST(Registers, beyond_the_end_nothing_answers) {
    Memory memory;
    Window const window(memory.bytes);
    EXPECT_EQ(window.read_at<std::uint32_t>(16), 0xffff'ffffu);
    EXPECT_EQ(window.read_at<std::uint32_t>(14), 0xffff'ffffu);
    EXPECT_EQ(window.read_at<std::uint16_t>(~std::size_t{0} - 1), 0xffff);
    window.write_at<std::uint64_t>(12, 1);
    EXPECT_EQ(memory.bytes[12], std::byte{0});
    EXPECT_FALSE(window.part(8, 9));
    EXPECT_EQ(window.part(8, 8)->size(), 8u);
}

}  // namespace
}  // namespace astrata::mmio
