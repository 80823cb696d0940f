#include "kernel/mem/page_tree.h"

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/test_machine.h"
#include "lib/base/bytes.h"

namespace astrata::kernel::mem {
namespace {

class PageTreeTest : public testing::Test {
protected:
    PageTreeTest() : machine_(32U << 20) {
        EXPECT_TRUE(machine_.initialize_allocators());
        account_ = Account::create(nullptr, Account::unlimited).value();
    }
    Account& account() { return *account_; }
    // A page whose content is `value`.
    PhysAddr page(std::uint64_t value) {
        auto const address = allocate_user_page(account(), Zero::no).value();
        std::memcpy(page_bytes(address).data(), &value, sizeof(value));
        return address;
    }
    static std::uint64_t value_of(PhysAddr address) { return load<std::uint64_t>(page_bytes(address), 0).value(); }
    void put(PageTree& tree, std::uint64_t index, std::uint64_t value) {
        auto const old_page = tree.exchange(index, page(value), account()).value();
        UnchargeBatch batch;
        if (old_page.value != 0)
            drop_tree(old_page, batch);
    }
    TestMachine machine_;
    RefOrNull<Account> account_;
};

TEST_F(PageTreeTest, finds_what_was_put_at_any_distance) {
    PageTree tree;
    std::vector<std::uint64_t> const indexes{0, 1, 63, 64, 4095, 4096, 1U << 20, PageTree::page_limit - 1};
    for (auto index : indexes)
        put(tree, index, index + 7);
    for (auto index : indexes) {
        auto const found = tree.find(index);
        ASSERT_TRUE(found);
        EXPECT_TRUE(found.is_exclusive);
        EXPECT_EQ(value_of(found.page), index + 7);
    }
    EXPECT_FALSE(tree.find(2));
    EXPECT_EQ(tree.next_present(2, PageTree::page_limit), 63U);
    EXPECT_EQ(tree.next_present(4097, 1U << 20), 1U << 20);
    EXPECT_EQ(tree.count(0, PageTree::page_limit), indexes.size());
    tree.clear();
    EXPECT_EQ(account().used(), 0U);
}

TEST_F(PageTreeTest, shared_trees_copy_on_write_and_become_exclusive_again) {
    PageTree tree;
    put(tree, 5, 1);
    put(tree, 6, 2);
    {
        auto const copy = tree.share();
        EXPECT_FALSE(tree.find(5).is_exclusive);
        put(tree, 5, 3);
        EXPECT_EQ(value_of(copy.find(5).page), 1U);
        EXPECT_EQ(value_of(tree.find(5).page), 3U);
        EXPECT_TRUE(tree.find(5).is_exclusive);
        EXPECT_FALSE(tree.find(6).is_exclusive);
    }
    EXPECT_TRUE(tree.find(6).is_exclusive);
}

TEST_F(PageTreeTest, refuses_to_grow_beyond_the_accounts_limit) {
    PageTree tree;
    put(tree, 0, 1);
    auto const extra = page(2);
    account().set_limit(account().used());
    EXPECT_EQ(tree.exchange(1000, extra, account()).error(), Error::no_memory);
    EXPECT_EQ(value_of(tree.find(0).page), 1U);
    UnchargeBatch batch;
    drop_tree(extra, batch);
}

TEST_F(PageTreeTest, agrees_with_maps_under_random_sharing_erasing_and_moving) {
    using Model = std::map<std::uint64_t, std::uint64_t>;
    std::mt19937_64 random(17);
    auto const before = count_frames();
    {
        std::vector<std::pair<PageTree, Model>> trees(1);
        auto const random_index = [&] {
            auto const base = random() % 4 * 5000 + random() % 2 * (1U << 19);
            return base + random() % 200;
        };
        for (int step = 0; step < 8000; ++step) {
            auto& [tree, model] = trees[random() % trees.size()];
            switch (random() % 8) {
            case 0:
                if (trees.size() < 6) {
                    auto copy = tree.share();
                    auto model_copy = model;
                    trees.emplace_back(std::move(copy), std::move(model_copy));
                }
                break;
            case 1:
                if (trees.size() > 1) {
                    std::swap(trees[random() % trees.size()], trees.back());
                    trees.pop_back();
                }
                break;
            case 2: {
                auto const first = random_index();
                auto const count = random() % 3 == 0 ? random() % 10000 : random() % 100;
                ASSERT_TRUE(tree.erase(first, count, account()));
                model.erase(model.lower_bound(first), model.lower_bound(first + count));
                break;
            }
            case 3: {
                auto const first = random_index();
                auto const count = random() % 150 + 1;
                auto const to = (1U << 18) + random() % 300;
                ASSERT_TRUE(tree.erase(to, count, account()));
                model.erase(model.lower_bound(to), model.lower_bound(to + count));
                ASSERT_TRUE(tree.move(first, count, to, account()));
                Model moved;
                for (auto at = model.lower_bound(first); at != model.lower_bound(first + count); ++at)
                    moved[to + at->first - first] = at->second;
                model.erase(model.lower_bound(first), model.lower_bound(first + count));
                model.insert(moved.begin(), moved.end());
                break;
            }
            default: {
                auto const index = random_index();
                auto const value = random();
                auto const found = tree.find(index);
                if (found && found.is_exclusive)
                    std::memcpy(page_bytes(found.page).data(), &value, sizeof(value));
                else
                    put(tree, index, value);
                model[index] = value;
            }
            }
            auto& [checked, expected] = trees[random() % trees.size()];
            auto at = expected.begin();
            std::uint64_t seen = 0;
            for (auto index = checked.next_present(0, PageTree::page_limit); index < PageTree::page_limit;
                 index = checked.next_present(index + 1, PageTree::page_limit), ++at, ++seen) {
                ASSERT_NE(at, expected.end());
                ASSERT_EQ(index, at->first);
                ASSERT_EQ(value_of(checked.find(index).page), at->second);
            }
            ASSERT_EQ(at, expected.end());
            ASSERT_EQ(checked.count(0, PageTree::page_limit), seen);
        }
    }
    EXPECT_EQ(account().used(), 0U);
    drain_heap_cache();
    EXPECT_LE(before.free - count_frames().free, 4U);
}

}  // namespace
}  // namespace astrata::kernel::mem
