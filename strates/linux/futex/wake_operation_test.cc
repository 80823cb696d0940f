#include "strates/linux/futex/wake_operation.h"

#include <gtest/gtest.h>

namespace astrata::linux_abi {
namespace {

constexpr std::uint32_t encode(std::uint32_t operation, std::uint32_t comparison, std::uint32_t operand,
                               std::uint32_t compared) {
    return operation << 28 | comparison << 24 | (operand & 0xfff) << 12 | (compared & 0xfff);
}

TEST(WakeOperation, does_what_the_condition_variables_of_c_libraries_use) {
    auto unlock = WakeOperation::decode(encode(0, 4, 0, 1)).value();   // *target = 0, woken if it was > 1
    EXPECT_EQ(unlock.apply(2), 0u);
    EXPECT_TRUE(unlock.is_met_by(2));
    EXPECT_FALSE(unlock.is_met_by(1));
}

TEST(WakeOperation, knows_signs_and_shifted_operands) {
    auto add = WakeOperation::decode(encode(1, 2, static_cast<std::uint32_t>(-1), static_cast<std::uint32_t>(-2))).value();
    EXPECT_EQ(add.apply(5), 4u);
    EXPECT_TRUE(add.is_met_by(static_cast<std::uint32_t>(-3)));
    auto shifted = WakeOperation::decode(encode(8 | 2, 0, 5, 0)).value();
    EXPECT_EQ(shifted.apply(0), 32u);
}

TEST(WakeOperation, refuses_unknown_ones) {
    EXPECT_EQ(WakeOperation::decode(encode(5, 0, 0, 0)).error(), Errno::enosys);
    EXPECT_EQ(WakeOperation::decode(encode(0, 6, 0, 0)).error(), Errno::enosys);
}

}  // namespace
}  // namespace astrata::linux_abi
