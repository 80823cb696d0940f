#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "strates/linux/arch/aarch64/facts.h"
#include "strates/linux/arch/aarch64/signal_frame.h"

namespace astrata::linux_abi::aarch64 {
namespace {

// Linux's asm/sigcontext.h, asm/ucontext.h and arch/arm64/kernel/signal.c.
TEST(SignalFrameAarch64, has_the_layout_of_the_abi) {
    EXPECT_EQ(offsetof(SignalFrame, context), 128u);
    EXPECT_EQ(offsetof(UserContext, mask), 40u);
    EXPECT_EQ(offsetof(UserContext, registers), 176u);
    EXPECT_EQ(offsetof(SignalContext, x), 8u);
    EXPECT_EQ(offsetof(SignalContext, sp), 256u);
    EXPECT_EQ(offsetof(SignalContext, pc), 264u);
    EXPECT_EQ(offsetof(SignalContext, pstate), 272u);
    EXPECT_EQ(offsetof(SignalContext, vector), 288u);
    EXPECT_EQ(offsetof(VectorRecord, registers), 16u);
    EXPECT_EQ(offsetof(SignalContext, syndrome), 288u + 528);
    EXPECT_EQ(offsetof(SignalContext, end), 288u + 528 + 16);
    EXPECT_EQ(frame_bytes, 4688u);
}

TEST(SignalFrameAarch64, lies_aligned_below_a_frame_record) {
    for (std::uint64_t sp : {0x7fff'0000ull, 0x7fff'0008ull, 0x7ffe'fff7ull}) {
        auto const place = place_frame(sp, false, 520);
        EXPECT_EQ(place.frame % 16, 0u);
        EXPECT_LE(place.frame + frame_bytes + sizeof(FrameRecord), sp);
        EXPECT_GE(place.frame + largest_frame(520), sp);
    }
}

RestrictedState some_state() {
    RestrictedState state{};
    for (std::size_t index = 0; index < named_registers.size(); ++index)
        state.*named_registers[index].place = 0x1000 + index;
    state.pstate = 0x6000'0000;
    return state;
}

TEST(SignalFrameAarch64, carries_all_registers_and_goes_round) {
    auto const state = some_state();
    SignalFrame frame{};
    fill_frame(frame, state, {.fault_error = 0x9200'0047, .fault_address = 0xdead, .mask = {9}});
    auto& context = frame.context.registers;
    EXPECT_EQ(frame.context.mask.bits, 9u);
    EXPECT_EQ(context.fault_address, 0xdeadu);
    EXPECT_EQ(context.x[0], state.x0);
    EXPECT_EQ(context.x[30], state.x30);
    EXPECT_EQ(context.sp, state.sp);
    EXPECT_EQ(context.pc, state.pc);
    EXPECT_EQ(context.syndrome.syndrome, 0x9200'0047u);
    RestrictedState back{};
    from_context(context, back);
    EXPECT_EQ(back.x17, state.x17);
    EXPECT_EQ(back.pc, state.pc);
    EXPECT_EQ(back.pstate, state.pstate);
    // Neither another exception level nor masked interrupts.
    context.pstate = ~std::uint64_t{0};
    from_context(context, back);
    EXPECT_EQ(back.pstate & 0x3df, 0u);
    EXPECT_EQ(back.pstate & 0xf000'0000, 0xf000'0000u);
}

TEST(SignalFrameAarch64, begins_a_handler_as_after_a_call) {
    auto state = some_state();
    state.sp = 0x7000'0000;
    state.pstate = 3 << 10 | 0x8000'0000;
    enter_handler(state, {.return_address = 0x40'1000});
    EXPECT_EQ(state.x30, 0x40'1000u);
    EXPECT_EQ(state.x29, 0x7000'0000u + frame_bytes);
    EXPECT_EQ(state.pstate, 0x8000'0000u);
}

class Records : public testing::Test {
protected:
    std::vector<std::byte> area = std::vector<std::byte>(records_bytes);
    std::size_t end = 0;

    void put(std::uint32_t magic, std::uint32_t size) {
        ASSERT_TRUE(store(area, end, RecordHeader{magic, size}).has_value());
        end += size;
    }
    LinuxResult<VectorRecord> find() {
        return find_vector_record([&](std::size_t offset, MutableBytes into) -> LinuxResult<> {
            std::ranges::copy(std::span(area).subspan(offset, into.size()), into.begin());
            return {};
        });
    }
};

TEST_F(Records, are_searched_for_the_vector_registers) {
    put(syndrome_magic, sizeof(SyndromeRecord));
    ASSERT_TRUE(store(area, end + offsetof(VectorRecord, control), std::uint32_t{0x80'0000}).has_value());
    put(vector_magic, sizeof(VectorRecord));
    auto const record = find();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->control, 0x80'0000u);
}

TEST_F(Records, without_vector_registers_or_with_strange_sizes_are_refused) {
    EXPECT_FALSE(find().has_value());
    put(syndrome_magic, 0);  // would never end
    EXPECT_FALSE(find().has_value());
    end = 0;
    put(vector_magic, 520);
    EXPECT_FALSE(find().has_value());
    end = 0;
    put(0x4558'5401, 32);  // EXTRA_MAGIC
    put(vector_magic, sizeof(VectorRecord));
    EXPECT_FALSE(find().has_value());
    // A record that begins in the area and ends behind it.
    area.assign(records_bytes, std::byte{0});
    end = 0;
    while (end + sizeof(VectorRecord) <= records_bytes)
        put(syndrome_magic, sizeof(SyndromeRecord));
    put(vector_magic, sizeof(VectorRecord));
    EXPECT_FALSE(find().has_value());
}

TEST(ExceptionAarch64, becomes_a_signal_or_a_page_fault) {
    RestrictedState state{};
    state.pc = 0x40'0000;
    state.fault_address = 0x1234;
    auto describe = [&](std::uint32_t exception_class, std::uint64_t syndrome) {
        state.vector = exception_class;
        state.error_code = std::uint64_t{exception_class} << 26 | syndrome;
        return describe_exception(state);
    };
    auto const write = describe(0x24, 0x47);
    EXPECT_TRUE(write.is_page_fault && write.is_write && !write.is_fetch);
    EXPECT_EQ(write.address, 0x1234u);
    EXPECT_FALSE(describe(0x24, 0x147).is_write);  // cache maintenance
    EXPECT_FALSE(describe(0x24, 0x07).is_write);
    EXPECT_TRUE(describe(0x20, 0x0f).is_fetch);
    EXPECT_EQ(describe(0x24, 0x21).signal, Signal::sigbus);
    EXPECT_EQ(describe(0x3c, 0).signal, Signal::sigtrap);
    EXPECT_EQ(describe(0x00, 0).signal, Signal::sigill);
    EXPECT_EQ(describe(0x00, 0).address, 0x40'0000u);
}

TEST(FactsAarch64, are_those_of_the_abi) {
    EXPECT_EQ(open_flag::directory, 040000u);
    EXPECT_EQ(open_flag::no_follow, 0100000u);
    EXPECT_EQ(open_flag::direct, 0200000u);
    EXPECT_EQ(open_flag::large_file, 0400000u);
    EXPECT_EQ(sizeof(EpollEvent), 16u);
    EXPECT_EQ(offsetof(EpollEvent, data), 8u);
    EXPECT_EQ(offsetof(FileStatus, mode), 16u);
    EXPECT_EQ(offsetof(FileStatus, size), 48u);
    EXPECT_EQ(offsetof(FileStatus, blocks), 64u);
}

}  // namespace
}  // namespace astrata::linux_abi::aarch64
