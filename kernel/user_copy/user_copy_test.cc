#include "kernel/user_copy/user_span.h"

#include <array>
#include <cstring>

#include <gtest/gtest.h>

#include "arch/user_copy.h"
#include "kernel/mem/layout.h"

namespace astrata::kernel {
namespace {

int copies = 0;

bool refuse(void*, void const*, std::size_t) {
    ++copies;
    return false;
}
bool count(void*, void const*, std::size_t) {
    ++copies;
    return true;
}

TEST(UserCopy, checks_the_range_before_it_copies) {
    arch::host_copy_user = count;
    copies = 0;
    std::array<std::byte, 16> buffer{};
    EXPECT_EQ(copy_in(buffer, {layout::home_end, 16}).error(), Error::bad_address);
    EXPECT_EQ(copy_in(buffer, {layout::home_end - 15, 16}).error(), Error::bad_address);
    EXPECT_EQ(copy_in(buffer, {VirtAddr{~std::uint64_t{0} - 3}, 16}).error(), Error::bad_address);
    EXPECT_EQ(copy_in(buffer, {VirtAddr{0x1000}, 15}).error(), Error::bad_address);
    EXPECT_EQ(copy_out({layout::direct_map, 16}, buffer).error(), Error::bad_address);
    EXPECT_EQ(copies, 0);
    EXPECT_TRUE(copy_in(buffer, {layout::home_end - 16, 16}));
    EXPECT_TRUE(copy_out({VirtAddr{0x1000}, 100}, buffer));
    EXPECT_EQ(copies, 2);
    EXPECT_TRUE(copy_in({}, {VirtAddr{~std::uint64_t{0}}, 0}));
    EXPECT_EQ(copies, 2);
}

TEST(UserCopy, reports_faults) {
    arch::host_copy_user = refuse;
    EXPECT_EQ(UserOut<int>{VirtAddr{0x1000}}.write(7).error(), Error::bad_address);
    std::uint64_t recovery = 0;
    EXPECT_FALSE(find_recovery(0x1234, recovery));
}

}  // namespace
}  // namespace astrata::kernel
