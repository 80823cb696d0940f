#include <gtest/gtest.h>

#include "strates/linux/arch/riscv64/facts.h"
#include "strates/linux/arch/riscv64/signal_frame.h"

namespace astrata::linux_abi::riscv64 {
namespace {

// Linux's asm/sigcontext.h, asm/ptrace.h, asm/ucontext.h and arch/riscv/kernel/signal.c.
TEST(SignalFrameRiscv64, has_the_layout_of_the_abi) {
    EXPECT_EQ(offsetof(SignalFrame, context), 128u);
    EXPECT_EQ(offsetof(UserContext, mask), 40u);
    EXPECT_EQ(offsetof(UserContext, registers), 176u);
    EXPECT_EQ(offsetof(SignalContext, vector), 256u);
    EXPECT_EQ(offsetof(VectorRecord, control), 256u);
    EXPECT_EQ(offsetof(VectorRecord, next_magic), 520u);
    EXPECT_EQ(sizeof(UserContext), 960u);
    EXPECT_EQ(sizeof(SignalFrame), 1088u);
}

TEST(SignalFrameRiscv64, lies_aligned) {
    for (std::uint64_t sp : {0x7fff'0000ull, 0x7fff'0008ull, 0x7ffe'fff7ull}) {
        auto const place = place_frame(sp, false, 264);
        EXPECT_EQ(place.frame % 16, 0u);
        EXPECT_LE(place.frame + sizeof(SignalFrame), sp);
        EXPECT_GE(place.frame + largest_frame(264), sp);
    }
}

TEST(SignalFrameRiscv64, carries_all_registers_and_goes_round) {
    RestrictedState state{};
    for (std::size_t index = 0; index < named_registers.size(); ++index)
        state.*named_registers[index].place = 0x1000 + index;
    SignalFrame frame{};
    fill_frame(frame, state, {.mask = {9}});
    auto const& context = frame.context.registers;
    EXPECT_EQ(frame.context.mask.bits, 9u);
    // struct user_regs_struct: pc, ra, sp, gp, tp, t0 to t2, s0, s1, a0 to a7, s2 to s11, t3 to t6.
    EXPECT_EQ(context.registers[0], state.pc);
    EXPECT_EQ(context.registers[1], state.ra);
    EXPECT_EQ(context.registers[2], state.sp);
    EXPECT_EQ(context.registers[4], state.tp);
    EXPECT_EQ(context.registers[8], state.s0);
    EXPECT_EQ(context.registers[10], state.a0);
    EXPECT_EQ(context.registers[17], state.a7);
    EXPECT_EQ(context.registers[18], state.s2);
    EXPECT_EQ(context.registers[31], state.t6);
    EXPECT_EQ(context.vector.next_magic, 0u);
    RestrictedState back{};
    from_context(context, back);
    EXPECT_EQ(back.pc, state.pc);
    EXPECT_EQ(back.t6, state.t6);
    enter_handler(back, {.return_address = 0x40'1000});
    EXPECT_EQ(back.ra, 0x40'1000u);
}

TEST(ExceptionRiscv64, becomes_a_signal_or_a_page_fault) {
    RestrictedState state{};
    state.pc = 0x40'0000;
    state.fault_address = 0x1234;
    auto describe = [&](std::uint32_t cause) {
        state.vector = cause;
        return describe_exception(state);
    };
    EXPECT_TRUE(describe(12).is_page_fault && describe(12).is_fetch);
    EXPECT_TRUE(describe(13).is_page_fault && !describe(13).is_write);
    EXPECT_TRUE(describe(15).is_page_fault && describe(15).is_write);
    EXPECT_EQ(describe(15).address, 0x1234u);
    EXPECT_EQ(describe(2).signal, Signal::sigill);
    EXPECT_EQ(describe(2).address, 0x40'0000u);
    EXPECT_EQ(describe(3).signal, Signal::sigtrap);
    EXPECT_EQ(describe(6).signal, Signal::sigbus);
    EXPECT_EQ(describe(7).signal, Signal::sigsegv);
}

TEST(FactsRiscv64, are_those_of_the_abi) {
    EXPECT_FALSE(has_restorer);
    EXPECT_EQ(open_flag::directory, 0200000u);
    EXPECT_EQ(open_flag::no_follow, 0400000u);
    EXPECT_EQ(sizeof(EpollEvent), 16u);
    EXPECT_EQ(sizeof(FileStatus), 128u);
}

}  // namespace
}  // namespace astrata::linux_abi::riscv64
