#include "lib/paging/page_tables.h"

#include <map>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "lib/paging/aarch64.h"
#include "lib/paging/riscv64.h"
#include "lib/paging/x86_64.h"

namespace astrata::paging {
namespace {

// Tables in ordinary memory, at made-up physical addresses.
class FakeMemory {
public:
    TableEntries entries(PhysAddr table) { return tables_.at(table.value)->entries; }
    std::uint32_t& used(PhysAddr table) { return tables_.at(table.value)->used; }
    std::uint64_t groups(PhysAddr table) { return tables_.at(table.value)->groups; }
    void add_group(PhysAddr table, unsigned group) { tables_.at(table.value)->groups |= std::uint64_t{1} << group; }
    Result<PhysAddr> allocate() {
        if (budget == 0)
            return fail(Error::no_memory);
        --budget;
        next_ += page_size;
        tables_[next_] = std::make_unique<Table>();
        return PhysAddr{next_};
    }
    void free(PhysAddr table) {
        EXPECT_EQ(tables_.erase(table.value), 1U);
        ++budget;
    }
    void root_entry_added(unsigned, Entry) { ++root_entries; }
    [[nodiscard]] std::size_t count() const { return tables_.size(); }

    std::uint64_t budget = 100000;
    int root_entries = 0;

private:
    struct Table {
        std::array<Entry, entries_per_table> entries{};
        std::uint32_t used = 0;
        std::uint64_t groups = 0;
    };
    std::map<std::uint64_t, std::unique_ptr<Table>> tables_;
    std::uint64_t next_ = 0x1000'0000;
};

template <typename Format>
class PageTablesOf : public testing::Test {};
using Formats = testing::Types<X86_64, Aarch64, Sv39, Sv48>;
TYPED_TEST_SUITE(PageTablesOf, Formats);

TYPED_TEST(PageTablesOf, keeps_address_and_attributes_of_every_entry) {
    using Format = TypeParam;
    for (int level = 0; level <= Format::highest_leaf_level; ++level) {
        for (unsigned bits = 0; bits < 32; ++bits) {
            Attributes const attributes{.write = (bits & 1) != 0,
                                        .execute = (bits & 2) != 0,
                                        .user = (bits & 4) != 0,
                                        .global = (bits & 8) != 0,
                                        .uncached = (bits & 16) != 0};
            PhysAddr const page{0x0000'0012'c000'0000};
            auto const entry = Format::leaf(page, attributes, level);
            EXPECT_TRUE(Format::is_present(entry));
            EXPECT_TRUE(Format::is_leaf(entry, level));
            EXPECT_EQ(Format::address(entry, level), page);
            EXPECT_EQ(Format::attributes(entry, level), attributes);
            EXPECT_EQ(Format::is_writable(entry), attributes.write);
            EXPECT_FALSE(Format::is_writable(Format::without_write(entry)));
            EXPECT_EQ(Format::address(Format::without_write(entry), level), page);
        }
    }
    auto const table = Format::table(PhysAddr{0x1234'5000});
    EXPECT_TRUE(Format::is_present(table));
    EXPECT_FALSE(Format::is_leaf(table, 1));
    EXPECT_EQ(Format::address(table, 1), PhysAddr{0x1234'5000});
    EXPECT_FALSE(Format::is_present(0));
}

TYPED_TEST(PageTablesOf, uses_the_largest_pages_that_fit) {
    FakeMemory memory;
    PageTables<TypeParam, FakeMemory> tables(memory.allocate().value(), memory);
    // 2 MiB - 4 KiB up to 2 GiB + 8 KiB.
    VirtAddr const start{huge_page_size - page_size};
    std::uint64_t const length = (std::uint64_t{2} << 30) + 2 * page_size - start.value;
    ASSERT_TRUE(tables.map(start, length, PhysAddr{start.value}, {.write = true}, 2));
    EXPECT_EQ(tables.query(start)->level, 0);
    EXPECT_EQ(tables.query(VirtAddr{huge_page_size})->level, 1);
    EXPECT_EQ(tables.query(VirtAddr{(1U << 30) + 0x5000})->level, 2);
    EXPECT_EQ(tables.query(VirtAddr{(1U << 30) + 0x5000})->page, PhysAddr{(1U << 30) + 0x5000});
    EXPECT_EQ(tables.query(VirtAddr{(std::uint64_t{2} << 30) + page_size})->level, 0);
    EXPECT_FALSE(tables.query(VirtAddr{(std::uint64_t{2} << 30) + 2 * page_size}));
    EXPECT_FALSE(tables.query(VirtAddr{0}));
    EXPECT_EQ(tables.map(VirtAddr{huge_page_size}, page_size, PhysAddr{0}, {}).error(), Error::already_exists);
    EXPECT_EQ(tables.unmap(start, length), 1 + 511 + 1 + 2U);
}

TYPED_TEST(PageTablesOf, reaches_the_top_of_the_address_space) {
    FakeMemory memory;
    PageTables<TypeParam, FakeMemory> tables(memory.allocate().value(), memory);
    VirtAddr const start{~std::uint64_t{0} - 2 * huge_page_size + 1};
    ASSERT_TRUE(tables.map(start, 2 * huge_page_size, PhysAddr{0x4000'0000}, {.execute = true}));
    std::uint64_t count = 0;
    tables.for_each_leaf(start, 2 * huge_page_size, [&](VirtAddr address, Entry entry, int) {
        EXPECT_EQ(address - start, TypeParam::address(entry, 0) - PhysAddr{0x4000'0000});
        ++count;
    });
    EXPECT_EQ(count, 1024U);
    EXPECT_EQ(tables.unmap(start, 2 * huge_page_size), 1024U);
}

TYPED_TEST(PageTablesOf, reports_lack_of_table_pages) {
    FakeMemory memory;
    memory.budget = 2;
    PageTables<TypeParam, FakeMemory> tables(memory.allocate().value(), memory);
    EXPECT_EQ(tables.map(VirtAddr{0}, page_size, PhysAddr{0}, {}).error(), Error::no_memory);
    EXPECT_FALSE(tables.query(VirtAddr{0}));
}

TYPED_TEST(PageTablesOf, agrees_with_a_map_under_random_changes) {
    std::mt19937_64 random(11);
    FakeMemory memory;
    PageTables<TypeParam, FakeMemory> tables(memory.allocate().value(), memory);
    struct Model {
        std::uint64_t page;
        bool write;
    };
    std::map<std::uint64_t, Model> model;  // by page number
    // Few distinct regions, far apart, so that ranges meet and tables come and go.
    auto const random_page = [&] {
        return (random() % 3 << 18) | (random() % 2 << 9) | (random() % 16) | (random() % 2 != 0 ? 0x1f0 : 0);
    };
    for (int step = 0; step < 3000; ++step) {
        auto const page = random_page();
        auto const count = random() % 40 + 1;
        VirtAddr const start{page * page_size};
        switch (random() % 4) {
        case 0:
        case 1: {
            auto const next = model.lower_bound(page);
            bool const is_free = next == model.end() || next->first >= page + count;
            if (!is_free)
                break;
            bool const write = random() % 2 != 0;
            auto const target = random() % 1000000;
            ASSERT_TRUE(tables.map(start, count * page_size, PhysAddr{target * page_size}, {.write = write}));
            for (std::uint64_t i = 0; i < count; ++i)
                model[page + i] = {target + i, write};
            break;
        }
        case 2: {
            auto const first = model.lower_bound(page);
            auto const last = model.lower_bound(page + count);
            auto const expected = static_cast<std::uint64_t>(std::distance(first, last));
            ASSERT_EQ(tables.unmap(start, count * page_size), expected);
            model.erase(first, last);
            break;
        }
        case 3:
            tables.update(start, count * page_size, [](Entry entry, int) { return TypeParam::without_write(entry); });
            for (auto at = model.lower_bound(page); at != model.lower_bound(page + count); ++at)
                at->second.write = false;
            break;
        }
        auto expected = model.begin();
        tables.for_each_leaf(VirtAddr{0}, std::uint64_t{1} << 38, [&](VirtAddr address, Entry entry, int level) {
            ASSERT_NE(expected, model.end());
            ASSERT_EQ(level, 0);
            ASSERT_EQ(address.page(), expected->first);
            ASSERT_EQ(TypeParam::address(entry, 0).page(), expected->second.page);
            ASSERT_EQ(TypeParam::is_writable(entry), expected->second.write);
            ++expected;
        });
        ASSERT_EQ(expected, model.end());
    }
    tables.unmap(VirtAddr{0}, std::uint64_t{1} << 38);
    // The root and the tables directly below it stay.
    EXPECT_EQ(memory.count(), 1U + static_cast<unsigned>(memory.root_entries));
    tables.free_tables(0, entries_per_table);
    EXPECT_EQ(memory.count(), 1U);
}

TYPED_TEST(PageTablesOf, frees_all_tables_without_visiting_leaves) {
    FakeMemory memory;
    PageTables<TypeParam, FakeMemory> tables(memory.allocate().value(), memory);
    for (std::uint64_t at = 0; at < 20; ++at) {
        VirtAddr const address{at * at * at * 0x0123'4000};
        ASSERT_TRUE(tables.map(address, page_size, PhysAddr{0}, {}));
    }
    tables.free_tables(0, entries_per_table);
    EXPECT_EQ(memory.count(), 1U);
    EXPECT_EQ(memory.used(tables.root()), 0U);
}

}  // namespace
}  // namespace astrata::paging
