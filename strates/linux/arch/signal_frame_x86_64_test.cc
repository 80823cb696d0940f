#include "strates/linux/arch/x86_64/signal_frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace astrata::linux_abi::x86_64 {
namespace {

TEST(SignalFrame, has_the_layout_of_the_abi) {
    EXPECT_EQ(offsetof(SignalFrame, context), 8u);
    EXPECT_EQ(offsetof(SignalFrame, information), 312u);
    EXPECT_EQ(offsetof(UserContext, registers), 40u);
    EXPECT_EQ(offsetof(UserContext, mask), 296u);
    EXPECT_EQ(offsetof(SignalContext, rip), 128u);
    EXPECT_EQ(offsetof(SignalContext, cs), 144u);
    EXPECT_EQ(offsetof(SignalContext, vector_state), 184u);
}

TEST(SignalFrame, lies_below_the_red_zone_aligned_as_after_a_call) {
    for (std::uint64_t rsp : {0x7fff'0000ull, 0x7fff'0008ull, 0x7ffe'fff7ull}) {
        auto place = place_frame(rsp, false, 832);
        EXPECT_EQ((place.frame + 8) % 16, 0u);
        EXPECT_EQ(place.vector_state % 64, 0u);
        EXPECT_LE(place.vector_state + 832 + vector_state_trailer, rsp - 128);
        EXPECT_LE(place.frame + sizeof(SignalFrame), place.vector_state);
    }
    EXPECT_LE(place_frame(0x10000, true, 512).vector_state + 512 + 4, 0x10000u);
}

// As guest_save_vector_state leaves it.
std::vector<std::byte> marked_area() {
    std::vector<std::byte> area(832 + vector_state_trailer);
    EXPECT_TRUE(store(area, VectorStateDescription::offset, describe_vector_state(832, 0x207)).has_value());
    EXPECT_TRUE(store(area, 832, vector_state_trailer_mark).has_value());
    return area;
}

TEST(VectorState, is_marked_and_recognised) {
    auto const area = marked_area();
    EXPECT_EQ(load<std::uint32_t>(area, 464).value(), 0x46505853u);
    EXPECT_EQ(load<std::uint32_t>(area, 468).value(), area.size());
    EXPECT_EQ(load<std::uint64_t>(area, 472).value(), 0x207u);
    EXPECT_EQ(load<std::uint32_t>(area, 480).value(), 832u);
    EXPECT_EQ(load<std::uint32_t>(area, 832).value(), 0x46505845u);
    EXPECT_EQ(marked_vector_state_size(std::span(area).first(512), 832), area.size());
    EXPECT_TRUE(has_vector_state_trailer(area));
}

TEST(VectorState, of_a_strange_size_counts_as_plain_fxsave) {
    auto area = marked_area();
    auto head = std::span(area).first(512);
    EXPECT_EQ(marked_vector_state_size(head, 800), 512u);
    ASSERT_TRUE(store(area, 480, std::uint32_t{575}).has_value());
    EXPECT_EQ(marked_vector_state_size(head, 832), 512u);
    ASSERT_TRUE(store(area, 480, std::uint32_t{0xffff'ffff}).has_value());
    EXPECT_EQ(marked_vector_state_size(head, 832), 512u);
    ASSERT_TRUE(store(area, 464, std::uint32_t{0}).has_value());
    EXPECT_EQ(marked_vector_state_size(head, 832), 512u);
    complete_legacy_state(area);
    EXPECT_EQ(load<std::uint64_t>(area, 512).value(), 3u);
    EXPECT_FALSE(has_vector_state_trailer(area));
}

TEST(VectorState, is_described_by_its_exact_size) {
    auto description = describe_vector_state(832, 4);
    EXPECT_EQ(description.components, 7u);
    EXPECT_EQ(description.state_size, 832u);
    EXPECT_EQ(description.extended_size, 836u);
    EXPECT_EQ(describe_vector_state(512, 0).components, 3u);
}

TEST(SignalContext, goes_round_but_keeps_privileged_flags) {
    abi::RestrictedStateX86 state{};
    state.rax = 1;
    state.r15 = 15;
    state.rip = 0x401000;
    state.rsp = 0x7fff0000;
    state.rflags = 0x246;
    SignalFrame frame{};
    fill_frame(frame, state, {.fault_error = 6, .mask = {5}, .return_address = 0x403000});
    EXPECT_EQ(frame.return_address, 0x403000u);
    EXPECT_EQ(frame.context.mask.bits, 5u);
    auto& context = frame.context.registers;
    EXPECT_EQ(context.cs, 0x33);
    EXPECT_EQ(context.error_code, 6u);
    context.rflags = ~std::uint64_t{0};
    context.rip = 0x402000;
    abi::RestrictedStateX86 back = state;
    from_context(context, back);
    EXPECT_EQ(back.rip, 0x402000u);
    EXPECT_EQ(back.r15, 15u);
    EXPECT_EQ(back.rflags & 0x3000, 0u);     // I/O privilege
    EXPECT_EQ(back.rflags & 0x20000, 0u);    // virtual 8086 mode
    EXPECT_EQ(back.rflags & 0x200, 0x200u);  // interrupts
    EXPECT_EQ(back.rflags & 0x100, 0x100u);  // trap flag: the program's own
}

}  // namespace
}  // namespace astrata::linux_abi::x86_64
