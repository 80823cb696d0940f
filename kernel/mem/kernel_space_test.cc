#include "kernel/mem/kernel_space.h"

#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/layout.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel::mem {
namespace {

class KernelSpaceTest : public testing::Test {
protected:
    KernelSpaceTest() : machine_(16U << 20) {
        // A second range after a hole, with a reserved tail, as firmware reports it.
        machine_.info.range_storage[0].length = 8U << 20;
        machine_.info.range_storage[1] = {
            {TestMachine::start.value + (9U << 20)}, (4U << 20) + 0x1800, MemoryKind::usable};
        machine_.info.range_storage[2] = {
            {TestMachine::start.value + (13U << 20) + 0x1800}, 0x2000, MemoryKind::reserved};
        machine_.info.range_storage[3] = {{std::uint64_t{253} << 32}, std::uint64_t{1} << 32, MemoryKind::reserved};
        machine_.info.range_count = 4;
        EXPECT_TRUE(machine_.initialize());
        account_ = Account::create(nullptr, Account::unlimited).value();
    }
    TestMachine machine_;
    RefOrNull<Account> account_;
};

TEST_F(KernelSpaceTest, maps_all_memory_directly_and_nothing_else) {
    auto const start = TestMachine::start.value;
    auto const is_direct = [](std::uint64_t at) { return query_kernel(layout::to_direct_map({at})) == PhysAddr{at}; };
    EXPECT_TRUE(is_direct(0));
    EXPECT_TRUE(is_direct(0xf'f123));
    for (std::uint64_t at = start; at < start + (8U << 20); at += page_size)
        ASSERT_TRUE(is_direct(at)) << at;
    EXPECT_FALSE(query_kernel(layout::to_direct_map({start + (8U << 20)})));
    for (std::uint64_t at = start + (9U << 20); at < start + (13U << 20) + 0x3800; at += 0x800)
        ASSERT_TRUE(is_direct(at)) << at;
    EXPECT_FALSE(query_kernel(layout::to_direct_map({start + (13U << 20) + 0x4000})));
    EXPECT_FALSE(query_kernel(layout::to_direct_map({std::uint64_t{253} << 32})));
}

TEST_F(KernelSpaceTest, stacks_have_a_guard_page_and_give_everything_back) {
    auto const before = count_frames().free;
    {
        std::vector<KernelStack> stacks;
        for (int i = 0; i < 100; ++i) {
            stacks.push_back(KernelStack::create(*account_).value());
            auto const& stack = stacks.back();
            for (auto at = stack.bottom(); at < stack.top(); at += page_size)
                EXPECT_TRUE(query_kernel(at));
            EXPECT_FALSE(query_kernel(stack.bottom() - 1));
            EXPECT_FALSE(query_kernel(stack.top()));
        }
        EXPECT_EQ(account_->used(), 100 * KernelStack::page_count * page_size);
        stacks.erase(stacks.begin() + 10, stacks.begin() + 60);
        stacks.push_back(KernelStack::create(*account_).value());
        std::swap(stacks.front(), stacks.back());
    }
    EXPECT_EQ(account_->used(), 0U);
    EXPECT_LE(before - count_frames().free, 16 * KernelStack::page_count + 2);
}

TEST_F(KernelSpaceTest, stacks_stop_at_the_accounts_limit_and_at_the_end_of_memory) {
    account_->set_limit(5 * page_size);
    auto first = KernelStack::create(*account_);
    EXPECT_TRUE(first);
    EXPECT_EQ(KernelStack::create(*account_).error(), Error::no_memory);
    account_->set_limit(Account::unlimited);
    std::vector<KernelStack> stacks;
    for (;;) {
        auto stack = KernelStack::create(*account_);
        if (!stack) {
            EXPECT_EQ(stack.error(), Error::no_memory);
            break;
        }
        stacks.push_back(std::move(*stack));
    }
    EXPECT_LE(count_frames().free, 4U);
}

TEST_F(KernelSpaceTest, maps_devices_uncached_at_any_alignment) {
    auto const first = map_device({0xfee0'0010}, 0x20).value();
    EXPECT_EQ(first.page_offset(), 0x10U);
    EXPECT_EQ(query_kernel(first), PhysAddr{0xfee0'0010});
    auto const second = map_device({0xfec0'0ff0}, 0x20).value();
    EXPECT_EQ(query_kernel(second + 0x1f), PhysAddr{0xfec0'100f});
    EXPECT_NE(first.page(), second.page());
    EXPECT_EQ(map_device({~std::uint64_t{0}}, 2).error(), Error::out_of_range);
    EXPECT_EQ(map_device({0x1000}, 0).error(), Error::out_of_range);
}

TEST_F(KernelSpaceTest, a_fresh_root_gets_the_kernel_half_alone) {
    auto const root = allocate_frame(FrameKind::page_table, Zero::yes).value();
    copy_kernel_half(table_entries(root));
    auto const kernel = table_entries(kernel_root());
    for (unsigned index = 0; index < 256; ++index)
        EXPECT_EQ(table_entries(root)[index], 0U);
    for (unsigned index = 256; index < 512; ++index)
        EXPECT_EQ(table_entries(root)[index], kernel[index]);
    EXPECT_NE(kernel[paging::index_at(layout::dynamic_start, 3)], 0U);
    free_frame(root);
}

}  // namespace
}  // namespace astrata::kernel::mem
