#include "kernel/mem/address_space.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/kernel_space.h"
#include "kernel/mem/resident_page.h"
#include "kernel/mem/test_machine.h"
#include "kernel/mem/test_mmu.h"

namespace astrata::kernel {
namespace {

constexpr auto rw = abi::Access::read | abi::Access::write;
constexpr auto rx = abi::Access::read | abi::Access::execute;
constexpr auto fixed = abi::MapFlags::fixed;
constexpr auto none = abi::MapFlags{};
constexpr VirtAddr base{0x10'0000'0000};

class AddressSpaceTest : public testing::Test {
protected:
    AddressSpaceTest() : machine_(48U << 20) {
        EXPECT_TRUE(machine_.initialize());
        account_ = Account::create(nullptr, Account::unlimited).value();
        home_ = AddressSpace::create_home(account()).value();
    }
    Account& account() { return *account_; }
    AddressSpace& home() { return *home_; }
    Ref<AddressSpace> guest() {
        auto space = AddressSpace::create_guest(account(), Ref<AddressSpace>::share(*home_)).value();
        fakes.used_spaces.insert(space.get());
        return space;
    }
    static std::size_t mappings(AddressSpace& space) {
        abi::AddressSpaceInfo info;
        space.fill(info);
        return info.mappings;
    }
    static std::uint64_t resident(AddressSpace& space) {
        abi::AddressSpaceInfo info;
        space.fill(info);
        return info.resident_bytes / page_size;
    }
    // An object whose pages begin with 1000, 1001, ...
    Ref<MemoryObject> numbered(std::uint64_t pages) {
        auto object = MemoryObject::create(account(), pages * page_size).value();
        for (std::uint64_t page = 0; page < pages; ++page) {
            auto const value = 1000 + page;
            EXPECT_TRUE(object->write_bytes(page * page_size, std::as_bytes(std::span(&value, 1))));
        }
        return object;
    }
    TestMachine machine_;
    RefOrNull<Account> account_;
    RefOrNull<AddressSpace> home_;
    TestMmu mmu_;
};

TEST_F(AddressSpaceTest, anonymous_memory_reads_zero_and_keeps_what_is_written) {
    auto space = guest();
    auto const at = space->map_anonymous({}, 4 * page_size, rw, none).value();
    EXPECT_EQ(mmu_.read(*space, at).value(), 0U);
    ASSERT_TRUE(mmu_.write(*space, at, 5));
    ASSERT_TRUE(mmu_.write(*space, at + 3 * page_size, 6));
    EXPECT_EQ(mmu_.read(*space, at).value(), 5U);
    EXPECT_EQ(mmu_.read(*space, at + page_size).value(), 0U);
    EXPECT_EQ(mmu_.read(*space, at + 4 * page_size).error(), Error::bad_address);
    EXPECT_EQ(mmu_.read(*space, at - 1 * page_size).error(), Error::bad_address);
    ASSERT_TRUE(space->unmap(at, 4 * page_size));
    EXPECT_EQ(mmu_.read(*space, at).error(), Error::bad_address);
    ASSERT_TRUE(space->map_anonymous(at, page_size, rw, fixed));
    EXPECT_EQ(mmu_.read(*space, at).value(), 0U);
    EXPECT_EQ(space->mapped_bytes(), page_size);
}

TEST_F(AddressSpaceTest, single_resident_pages_are_shown_at_once_as_they_may_be) {
    auto space = guest();
    auto const object = numbered(3);
    auto const other = numbered(1);
    auto const populate = abi::MapFlags::populate;
    // What was mapped and unmapped before leaves a mapping to spare, a table, and a known place.
    for (int i = 0; i < 3; ++i) {
        auto const at = space->map(object, page_size, {}, page_size, rw, populate).value();
        EXPECT_EQ(resident(*space), 1U);
        EXPECT_EQ(mmu_.read(*space, at).value(), 1001U);
        ASSERT_TRUE(mmu_.write(*space, at, 1001));
        ASSERT_TRUE(space->unmap(at, page_size));
        EXPECT_EQ(resident(*space), 0U);
        EXPECT_EQ(mmu_.read(*space, at).error(), Error::bad_address);
    }
    auto const closed = space->map(other, 0, {}, page_size, abi::Access::none, populate).value();
    EXPECT_EQ(mmu_.read(*space, closed).error(), Error::bad_address);
    ASSERT_TRUE(space->unmap(closed, page_size));
    auto const readable = space->map(other, 0, {}, page_size, abi::Access::read, populate).value();
    EXPECT_EQ(mmu_.write(*space, readable, 1).error(), Error::bad_address);
    // Pages that lie side by side in the object and in the space are one mapping, whichever way they came.
    auto const upper = space->map(object, 2 * page_size, {}, page_size, rw, populate).value();
    auto const lower = space->map(object, page_size, {}, page_size, rw, populate).value();
    EXPECT_EQ(lower + page_size, upper);
    EXPECT_EQ(mappings(*space), 2U);
    EXPECT_EQ(mmu_.read(*space, lower).value(), 1001U);
    EXPECT_EQ(mmu_.read(*space, upper).value(), 1002U);
}

TEST_F(AddressSpaceTest, neighbouring_anonymous_mappings_are_one) {
    auto space = guest();
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(space->map_anonymous(base + static_cast<std::uint64_t>(i) * page_size, page_size, rw, fixed));
    EXPECT_EQ(mappings(*space), 1U);
    VirtAddr lowest = layout::guest_end;
    for (int i = 0; i < 100; ++i) {
        auto const at = space->map_anonymous({}, 3 * page_size, rw, none).value();
        EXPECT_EQ(at, lowest - 3 * page_size);
        lowest = at;
    }
    EXPECT_EQ(mappings(*space), 2U);
    // Guarding a page in the middle splits; lifting the guard joins again.
    ASSERT_TRUE(space->protect(base + 50 * page_size, page_size, abi::Access::none));
    EXPECT_EQ(mappings(*space), 4U);
    ASSERT_TRUE(space->protect(base + 50 * page_size, page_size, rw));
    EXPECT_EQ(mappings(*space), 2U);
}

TEST_F(AddressSpaceTest, checks_ranges_and_access) {
    auto space = guest();
    EXPECT_EQ(space->map_anonymous(base, 0, rw, fixed).error(), Error::invalid_argument);
    EXPECT_EQ(space->map_anonymous(base, 100, rw, fixed).error(), Error::invalid_argument);
    EXPECT_EQ(space->map_anonymous(base + 1, page_size, rw, fixed).error(), Error::invalid_argument);
    EXPECT_EQ(space->map_anonymous({0}, page_size, rw, fixed).error(), Error::out_of_range);
    EXPECT_EQ(space->map_anonymous(layout::guest_end - page_size, 2 * page_size, rw, fixed).error(),
              Error::out_of_range);
    EXPECT_EQ(space->map_anonymous(layout::home_start, page_size, rw, fixed).error(), Error::out_of_range);
    EXPECT_EQ(space->map_anonymous(base, std::uint64_t{1} << 63, rw, fixed).error(), Error::out_of_range);
    EXPECT_EQ(space->map_anonymous({}, std::uint64_t{1} << 62, rw, none).error(), Error::no_memory);
    EXPECT_EQ(space->map_anonymous(base, page_size, rw | rx, fixed).error(), Error::access_denied);
    EXPECT_TRUE(space->map_anonymous(base, page_size, rw | rx, fixed | abi::MapFlags::allow_jit));
    EXPECT_EQ(home().map_anonymous({}, page_size, rw | rx, abi::MapFlags::allow_jit).error(), Error::access_denied);
    EXPECT_EQ(home().map_anonymous(base, page_size, rw, fixed).error(), Error::out_of_range);
    EXPECT_EQ(space->map_anonymous(base, page_size, rw, fixed | abi::MapFlags::exclusive).error(),
              Error::already_exists);
    auto object = numbered(4);
    EXPECT_EQ(space->map(object, page_size, {}, 4 * page_size, rw, none).error(), Error::out_of_range);
    EXPECT_EQ(space->map(object, 1, {}, page_size, rw, none).error(), Error::invalid_argument);
    EXPECT_EQ(space->map(object, 0, {}, page_size, rw, abi::MapFlags::uncached).error(), Error::invalid_argument);
    auto const shown = space->map(object, 0, {}, page_size, abi::Access::read, none, abi::Access::read).value();
    EXPECT_EQ(space->protect(shown, page_size, rw).error(), Error::access_denied);
    EXPECT_EQ(mmu_.write(*space, shown, 1).error(), Error::bad_address);
    EXPECT_EQ(space->protect(base + page_size, page_size, rw).error(), Error::not_found);
    EXPECT_TRUE(space->unmap(base + 5 * page_size, 10 * page_size));
}

TEST_F(AddressSpaceTest, a_shared_mapping_shows_the_object_both_ways) {
    auto space = guest();
    auto other = guest();
    auto object = numbered(20);
    auto const at = space->map(object, 2 * page_size, {}, 18 * page_size, rw, none).value();
    auto const there = other->map(object, 0, base, 20 * page_size, rw, fixed).value();
    EXPECT_EQ(mmu_.read(*space, at).value(), 1002U);
    EXPECT_EQ(mmu_.read(*other, there + 2 * page_size).value(), 1002U);
    ASSERT_TRUE(mmu_.write(*space, at, 7));
    EXPECT_EQ(mmu_.read(*other, there + 2 * page_size).value(), 7U);
    // Pages that are at hand come in by groups.
    EXPECT_GT(resident(*other), 10U);
    ASSERT_TRUE(object->set_size(5 * page_size));
    EXPECT_EQ(mmu_.read(*other, there + 5 * page_size).error(), Error::bad_address);
    EXPECT_EQ(mmu_.read(*space, at + 3 * page_size).error(), Error::bad_address);
    EXPECT_EQ(mmu_.read(*other, there + 4 * page_size).value(), 1004U);
    ASSERT_TRUE(object->discard(0, 5 * page_size));
    EXPECT_EQ(mmu_.read(*space, at).value(), 0U);
    ASSERT_TRUE(mmu_.write(*other, there + 2 * page_size, 11));
    EXPECT_EQ(mmu_.read(*space, at).value(), 11U);
}

TEST_F(AddressSpaceTest, a_snapshot_of_a_mapped_object_stays_as_it_was) {
    auto space = guest();
    auto object = numbered(3);
    auto const at = space->map(object, 0, {}, 3 * page_size, rw, none).value();
    ASSERT_TRUE(mmu_.write(*space, at, 1));
    auto snapshot = object->clone(account(), 0, 3 * page_size, abi::CloneKind::snapshot).value();
    ASSERT_TRUE(mmu_.write(*space, at, 2));
    std::uint64_t value = 0;
    EXPECT_TRUE(snapshot->read_bytes(0, std::as_writable_bytes(std::span(&value, 1))));
    EXPECT_EQ(value, 1U);
    EXPECT_EQ(mmu_.read(*space, at).value(), 2U);
}

TEST_F(AddressSpaceTest, a_mapped_shadow_follows_its_source) {
    auto space = guest();
    auto object = numbered(4);
    auto shadow = object->clone(account(), page_size, 3 * page_size, abi::CloneKind::shadow).value();
    auto const at = space->map(shadow, 0, {}, 3 * page_size, rw, none).value();
    EXPECT_EQ(mmu_.read(*space, at).value(), 1001U);
    auto snapshot = object->clone(account(), 0, 4 * page_size, abi::CloneKind::snapshot).value();
    std::uint64_t value = 5;
    // The object copies its page now; the shadow's view must not stay with the old one.
    ASSERT_TRUE(object->write_bytes(page_size, std::as_bytes(std::span(&value, 1))));
    EXPECT_EQ(mmu_.read(*space, at).value(), 5U);
    ASSERT_TRUE(mmu_.write(*space, at + page_size, 6));
    EXPECT_EQ(mmu_.read(*space, at + page_size).value(), 6U);
    EXPECT_TRUE(object->read_bytes(2 * page_size, std::as_writable_bytes(std::span(&value, 1))));
    EXPECT_EQ(value, 1002U);
}

TEST_F(AddressSpaceTest, fork_shares_copies_on_write_and_frees) {
    auto parent = guest();
    auto object = numbered(4);
    auto const memory = parent->map_anonymous({}, 600 * page_size, rw, none).value();
    auto const data = parent->map(object, 0, {}, 4 * page_size, rw, abi::MapFlags::private_).value();
    auto const shared = parent->map(object, 0, {}, 4 * page_size, rw, none).value();
    for (std::uint64_t page = 0; page < 600; ++page)
        ASSERT_TRUE(mmu_.write(*parent, memory + page * page_size, page));
    ASSERT_TRUE(mmu_.write(*parent, data, 50));
    auto const used = account().used();
    {
        auto child = parent->clone().value();
        fakes.used_spaces.insert(child.get());
        EXPECT_LT(account().used() - used, 10 * page_size);
        ASSERT_TRUE(mmu_.write(*parent, memory, 100));
        ASSERT_TRUE(mmu_.write(*child, memory + page_size, 101));
        ASSERT_TRUE(mmu_.write(*child, data, 102));
        ASSERT_TRUE(mmu_.write(*child, data + page_size, 103));
        ASSERT_TRUE(mmu_.write(*child, shared + 2 * page_size, 104));
        EXPECT_EQ(mmu_.read(*child, memory).value(), 0U);
        EXPECT_EQ(mmu_.read(*parent, memory).value(), 100U);
        EXPECT_EQ(mmu_.read(*parent, memory + page_size).value(), 1U);
        EXPECT_EQ(mmu_.read(*child, memory + 599 * page_size).value(), 599U);
        EXPECT_EQ(mmu_.read(*parent, data).value(), 50U);
        EXPECT_EQ(mmu_.read(*parent, data + page_size).value(), 1001U);
        EXPECT_EQ(mmu_.read(*parent, shared + 2 * page_size).value(), 104U);
        EXPECT_EQ(mmu_.read(*parent, data + 2 * page_size).value(), 104U);  // not yet written privately
        auto grandchild = child->clone().value();
        fakes.used_spaces.insert(grandchild.get());
        ASSERT_TRUE(mmu_.write(*child, memory + page_size, 105));
        EXPECT_EQ(mmu_.read(*grandchild, memory + page_size).value(), 101U);
        mmu_.forget_root(child->native_root());
        mmu_.forget_root(grandchild->native_root());
    }
    // Alone again: no copy for the pages that the children never wrote.
    auto const after = account().used();
    ASSERT_TRUE(mmu_.write(*parent, memory + 300 * page_size, 7));
    EXPECT_EQ(account().used(), after);
    EXPECT_EQ(home().clone().error(), Error::not_supported);
}

// Memory of foreign programs in pieces of 2 MiB.
class LargePagesTest : public AddressSpaceTest {
protected:
    static constexpr std::uint64_t count = huge_page_size / page_size;
    // Two whole blocks, with a page on both sides.
    LargePagesTest() : space_(guest()) {
        EXPECT_TRUE(space_->map_anonymous(first_ - page_size, (2 * count + 2) * page_size, rw, fixed));
    }
    std::uint64_t large() {
        abi::AddressSpaceInfo info;
        space_->fill(info);
        EXPECT_GE(AddressSpace::large_page_count(), info.large_bytes / huge_page_size);
        return info.large_bytes / huge_page_size;
    }
    void write(std::uint64_t page, std::uint64_t value) {
        EXPECT_TRUE(mmu_.write(*space_, first_ + page * page_size, value));
    }
    std::uint64_t read(std::uint64_t page) { return mmu_.read(*space_, first_ + page * page_size).value(); }

    VirtAddr first_{base + 64 * huge_page_size};
    Ref<AddressSpace> space_;
};

TEST_F(LargePagesTest, come_with_the_first_touch_of_a_whole_block) {
    auto const used = account().used();
    auto const count_before = AddressSpace::large_page_count();
    write(5, 1);
    EXPECT_EQ(large(), 1U);
    EXPECT_EQ(AddressSpace::large_page_count(), count_before + 1);
    EXPECT_EQ(resident(*space_), count);
    EXPECT_GE(account().used() - used, huge_page_size);
    auto const faults = mmu_.faults;
    EXPECT_EQ(read(count - 1), 0U);
    write(0, 2);
    EXPECT_EQ(mmu_.faults, faults);
    // Not where a block is not whole, nor where something was before.
    EXPECT_EQ(mmu_.read(*space_, first_ - page_size).value(), 0U);
    EXPECT_TRUE(mmu_.write(*space_, first_ - page_size, 1));
    EXPECT_EQ(read(count + 3), 0U);
    write(count, 1);
    EXPECT_EQ(large(), 1U);
    EXPECT_EQ(resident(*space_), count + 3);
    ASSERT_TRUE(space_->unmap(first_ - page_size, (2 * count + 2) * page_size));
    EXPECT_EQ(large(), 0U);
    EXPECT_EQ(resident(*space_), 0U);
    EXPECT_EQ(AddressSpace::large_page_count(), count_before);
    EXPECT_LE(account().used(), used + 12 * page_size);
}

TEST_F(LargePagesTest, are_cut_where_mappings_and_contents_are) {
    auto const change = [&](auto how) {
        write(7, 70);
        write(8, 80);
        write(count - 1, 90);
        ASSERT_EQ(large(), 1U);
        how();
        EXPECT_EQ(large(), 0U);
        EXPECT_EQ(read(count - 1), 90U);
        ASSERT_TRUE(space_->unmap(first_, count * page_size));
        ASSERT_TRUE(space_->map_anonymous(first_, count * page_size, rw, fixed));
    };
    change([&] {
        ASSERT_TRUE(space_->unmap(first_ + 7 * page_size, page_size));
        EXPECT_EQ(mmu_.read(*space_, first_ + 7 * page_size).error(), Error::bad_address);
        EXPECT_EQ(read(8), 80U);
        EXPECT_EQ(resident(*space_), count - 1);
    });
    change([&] {
        ASSERT_TRUE(space_->protect(first_, 8 * page_size, abi::Access::read));
        EXPECT_EQ(mmu_.write(*space_, first_ + 7 * page_size, 1).error(), Error::bad_address);
        write(8, 81);
        EXPECT_EQ(read(7), 70U);
    });
    change([&] {
        ASSERT_TRUE(space_->discard(first_, 8 * page_size));
        EXPECT_EQ(read(7), 0U);
        EXPECT_EQ(read(8), 80U);
    });
    change([&] {
        auto const to = space_->move(first_ + 7 * page_size, page_size, {}, 2 * page_size, none).value();
        EXPECT_EQ(mmu_.read(*space_, to).value(), 70U);
        EXPECT_EQ(read(8), 80U);
    });
}

TEST_F(LargePagesTest, are_copied_by_small_pages_and_become_writable_as_a_whole) {
    write(7, 70);
    write(count + 7, 71);
    ASSERT_EQ(large(), 2U);
    {
        auto child = space_->clone().value();
        fakes.used_spaces.insert(child.get());
        auto const used = account().used();
        write(8, 80);
        EXPECT_EQ(large(), 1U);
        EXPECT_LE(account().used() - used, 20 * page_size);
        EXPECT_EQ(mmu_.read(*child, first_ + 8 * page_size).value(), 0U);
        EXPECT_EQ(mmu_.read(*child, first_ + 7 * page_size).value(), 70U);
        fakes.used_spaces.erase(child.get());
        mmu_.forget_root(child->native_root());
    }
    write(count + 8, 1);
    EXPECT_EQ(large(), 1U);
    auto const faults = mmu_.faults;
    for (std::uint64_t page = count + 9; page < 2 * count; ++page)
        write(page, page);
    EXPECT_LE(mmu_.faults - faults, 1U);  // the other TLB
    EXPECT_EQ(read(count + 7), 71U);
}

TEST_F(LargePagesTest, are_not_for_everybody) {
    // What will be used here and there, native memory, and a silo or a machine that has little.
    VirtAddr const other{base + 80 * huge_page_size};
    ASSERT_TRUE(space_->map_anonymous(other, huge_page_size, rw, fixed | abi::MapFlags::sparse));
    ASSERT_TRUE(mmu_.write(*space_, other, 1));
    EXPECT_EQ(large(), 0U);
    auto const at = home().map_anonymous({}, 4 * huge_page_size, rw, none).value();
    auto const before = AddressSpace::large_page_count();
    ASSERT_TRUE(mmu_.write(home(), at + 2 * huge_page_size, 1));
    EXPECT_EQ(AddressSpace::large_page_count(), before);
    account().set_limit(account().used() + 2 * huge_page_size);
    write(0, 1);
    EXPECT_EQ(large(), 0U);
    account().set_limit(Account::unlimited);
    std::vector<PhysAddr> taken;
    while (mem::has_frames_beside_reserve(6 * count))
        taken.push_back(mem::allocate_frames(9, mem::FrameKind::kernel, mem::Zero::no).value());
    write(count, 1);
    EXPECT_EQ(large(), 0U);
    EXPECT_EQ(resident(*space_), 3U);
    for (auto const block : taken)
        mem::free_frames(block, 9);
}

TEST_F(LargePagesTest, go_as_a_whole_where_there_is_no_memory_to_cut_them) {
    write(7, 70);
    write(9, 90);
    account().set_limit(account().used());
    ASSERT_TRUE(space_->discard(first_ + 9 * page_size, page_size));
    EXPECT_EQ(large(), 0U);
    EXPECT_EQ(resident(*space_), 0U);
    account().set_limit(Account::unlimited);
    EXPECT_EQ(read(7), 70U);
    EXPECT_EQ(read(9), 0U);
}

TEST_F(AddressSpaceTest, private_pages_outlive_their_objects_pages) {
    auto space = guest();
    auto object = numbered(3);
    auto const at = space->map(object, 0, {}, 3 * page_size, rw, abi::MapFlags::private_).value();
    ASSERT_TRUE(mmu_.write(*space, at, 9));
    EXPECT_EQ(mmu_.read(*space, at + page_size).value(), 1001U);
    std::uint64_t const value = 4;
    ASSERT_TRUE(object->write_bytes(page_size, std::as_bytes(std::span(&value, 1))));
    EXPECT_EQ(mmu_.read(*space, at + page_size).value(), 4U);
    ASSERT_TRUE(object->set_size(0));
    EXPECT_EQ(mmu_.read(*space, at).value(), 9U);
    EXPECT_EQ(mmu_.read(*space, at + page_size).error(), Error::bad_address);
    EXPECT_EQ(mmu_.write(*space, at + page_size, 1).error(), Error::bad_address);
    // Discarding shows the object again.
    ASSERT_TRUE(object->set_size(3 * page_size));
    ASSERT_TRUE(space->discard(at, page_size));
    EXPECT_EQ(mmu_.read(*space, at).value(), 0U);
}

TEST_F(AddressSpaceTest, move_takes_the_contents_along) {
    auto space = guest();
    auto const at = space->map_anonymous(base, 8 * page_size, rw, fixed).value();
    for (std::uint64_t page = 0; page < 8; ++page)
        ASSERT_TRUE(mmu_.write(*space, at + page * page_size, page + 1));
    // In place, both ways.
    EXPECT_EQ(space->move(at, 8 * page_size, {}, 10 * page_size, none).value(), at);
    EXPECT_EQ(space->move(at, 10 * page_size, {}, 6 * page_size, none).value(), at);
    EXPECT_EQ(mmu_.read(*space, at + 6 * page_size).error(), Error::bad_address);
    // Blocked by a neighbour: elsewhere.
    ASSERT_TRUE(space->map_anonymous(base + 6 * page_size, page_size, abi::Access::read, fixed));
    auto const moved = space->move(at + page_size, 5 * page_size, {}, 9 * page_size, none).value();
    EXPECT_NE(moved, at + page_size);
    EXPECT_EQ(mmu_.read(*space, at + page_size).error(), Error::bad_address);
    EXPECT_EQ(mmu_.read(*space, at).value(), 1U);
    for (std::uint64_t page = 0; page < 5; ++page)
        EXPECT_EQ(mmu_.read(*space, moved + page * page_size).value(), page + 2);
    EXPECT_EQ(mmu_.read(*space, moved + 8 * page_size).value(), 0U);
    // To a fixed place, replacing what is there; fresh memory at the old place.
    auto const target = base + (std::uint64_t{1} << 32);
    ASSERT_TRUE(space->map_anonymous(target, 20 * page_size, rw, fixed));
    ASSERT_TRUE(mmu_.write(*space, target + page_size, 99));
    EXPECT_EQ(space->move(moved, 9 * page_size, target, 3 * page_size, fixed).value(), target);
    EXPECT_EQ(mmu_.read(*space, target + page_size).value(), 3U);
    EXPECT_EQ(mmu_.read(*space, target + 3 * page_size).value(), 0U);
    ASSERT_TRUE(space->map_anonymous(moved, 9 * page_size, rw, fixed));
    EXPECT_EQ(mmu_.read(*space, moved).value(), 0U);
    EXPECT_EQ(space->move(target, 4 * page_size, target + page_size, 4 * page_size, fixed).error(),
              Error::invalid_argument);
    EXPECT_EQ(space->move({0x20000}, page_size, {}, page_size, none).error(), Error::not_found);
    auto object = numbered(4);
    auto const shown = space->map(object, page_size, {}, 2 * page_size, rw, none).value();
    EXPECT_EQ(space->move(shown, 2 * page_size, {}, 4 * page_size, none).error(), Error::out_of_range);
    auto const grown = space->move(shown, 2 * page_size, {0x50'0000}, 3 * page_size, fixed).value();
    EXPECT_EQ(mmu_.read(*space, grown + 2 * page_size).value(), 1003U);
}

TEST_F(AddressSpaceTest, reports_its_mappings_in_order) {
    auto space = guest();
    auto object = numbered(4);
    ASSERT_TRUE(space->map_anonymous(base, 2 * page_size, rw, fixed));
    ASSERT_TRUE(
        space->map(object, page_size, base + 4 * page_size, 2 * page_size, rx, fixed | abi::MapFlags::private_));
    ASSERT_TRUE(mmu_.write(*space, base, 1));
    std::vector<abi::MappingInfo> infos(10);
    ASSERT_EQ(space->query({0}, infos), 2U);
    EXPECT_EQ(infos[0].start, base.value);
    EXPECT_EQ(infos[0].object_id, 0U);
    EXPECT_EQ(infos[0].resident_bytes, page_size);
    EXPECT_EQ(infos[1].offset, page_size);
    EXPECT_EQ(infos[1].object_id, object->id());
    EXPECT_EQ(infos[1].access, rx);
    EXPECT_EQ(infos[1].flags, abi::MapFlags::private_);
    EXPECT_EQ(space->query(base + 2 * page_size, infos), 1U);
    EXPECT_EQ(space->query(base + page_size, std::span(infos).first(1)), 1U);
    EXPECT_EQ(space->query(base + 6 * page_size, infos), 0U);
}

TEST_F(AddressSpaceTest, the_home_space_is_seen_through_every_native_root_and_no_restricted_one) {
    auto early = guest();
    auto const at = home().map_anonymous({}, page_size, rw, none).value();
    auto late = guest();
    ASSERT_TRUE(mmu_.write(home(), at, 3));
    for (auto* space : {early.get(), late.get()}) {
        EXPECT_EQ(load<std::uint64_t>(
                      mem::page_bytes(mmu_.translate(home(), space->native_root(), at, abi::Access::read).value()), 0)
                      .value(),
                  3U);
        EXPECT_EQ(mmu_.translate(home(), space->restricted_root(), at, abi::Access::read).error(), Error::busy);
    }
    auto const guest_page = early->map_anonymous({}, page_size, rw, none).value();
    ASSERT_TRUE(mmu_.write(*early, guest_page, 4));
    EXPECT_TRUE(mmu_.translate(*early, early->restricted_root(), guest_page, abi::Access::read));
}

TEST_F(AddressSpaceTest, pins_keep_pages_through_unmapping) {
    auto const at = home().map_anonymous({}, page_size, rw, none).value();
    auto pin = home().pin(at).value();
    ASSERT_TRUE(mmu_.write(home(), at, 77));
    EXPECT_EQ(load<std::uint64_t>(pin.bytes(), 0).value(), 77U);
    fakes.used_spaces.insert(&home());
    ASSERT_TRUE(home().unmap(at, page_size));
    EXPECT_EQ(load<std::uint64_t>(pin.bytes(), 0).value(), 77U);
    EXPECT_EQ(home().pin(at).error(), Error::bad_address);
    auto const used = account().used();
    pin = {};
    EXPECT_EQ(account().used(), used - page_size);
    auto resident = mem::ResidentPage::create(account()).value();
    auto const shown = home().map(resident.object(), 0, {}, page_size, rw, none).value();
    ASSERT_TRUE(mmu_.write(home(), shown, 8));
    EXPECT_EQ(*static_cast<std::uint64_t*>(resident.address()), 8U);
    fakes.used_spaces.erase(&home());
}

TEST_F(AddressSpaceTest, a_full_account_fails_the_fault_and_nothing_else) {
    auto space = guest();
    auto const at = space->map_anonymous({}, 200 * page_size, rw, none).value();
    account().set_limit(account().used() + 20 * page_size);
    std::uint64_t written = 0;
    while (mmu_.write(*space, at + written * page_size, written + 1))
        ++written;
    EXPECT_GT(written, 10U);
    EXPECT_EQ(mmu_.write(*space, at + written * page_size, 1).error(), Error::no_memory);
    for (std::uint64_t page = 0; page < written; ++page)
        EXPECT_EQ(mmu_.read(*space, at + page * page_size).value(), page + 1);
    // What is left is kept for those who have to clean up; without it nothing can be made.
    account().set_limit(account().used());
    EXPECT_EQ(space->clone().error(), Error::no_memory);
    account().set_limit(Account::unlimited);
    ASSERT_TRUE(space->discard(at, 200 * page_size));
    EXPECT_TRUE(mmu_.write(*space, at + written * page_size, 1));
}

TEST_F(AddressSpaceTest, gives_everything_back) {
    auto const before = mem::count_frames().free;
    auto const used = account().used();
    {
        auto space = guest();
        auto object = numbered(30);
        for (std::uint64_t i = 0; i < 40; ++i) {
            auto const at = space->map_anonymous({(i + 1) << 36 | i << 21}, 3 * page_size, rw, fixed).value();
            ASSERT_TRUE(mmu_.write(*space, at, 1));
            auto const shown =
                space->map(object, 0, {}, 30 * page_size, rw, i % 2 == 0 ? abi::MapFlags::private_ : none).value();
            ASSERT_TRUE(mmu_.write(*space, shown + i % 30 * page_size, 1));
        }
        auto child = space->clone().value();
        ASSERT_TRUE(mmu_.write(*child, {std::uint64_t{1} << 36}, 2));
        child->clear();
        EXPECT_EQ(child->mapped_bytes(), 0U);
        EXPECT_EQ(resident(*child), 0U);
    }
    EXPECT_EQ(account().used(), used);
    EXPECT_LE(before - mem::count_frames().free, 8U);
}

TEST_F(AddressSpaceTest, keeps_one_empty_table_however_many_there_were) {
    auto space = guest();
    auto const tables = [&] {
        abi::AddressSpaceInfo info;
        space->fill(info);
        return info.page_table_bytes / page_size;
    };
    std::uint64_t most = 0;
    for (std::uint64_t block = 1; block <= 100; ++block) {
        VirtAddr const at{block * (2U << 20)};
        ASSERT_TRUE(space->map_anonymous(at, page_size, rw, abi::MapFlags::fixed));
        ASSERT_TRUE(mmu_.write(*space, at, block));
        ASSERT_TRUE(space->unmap(at, page_size));
        EXPECT_EQ(mmu_.read(*space, at).error(), Error::bad_address);
        most = std::max(most, tables());
    }
    EXPECT_LE(most, 7U);
    // The next use of such a place finds it zeroed and alone.
    ASSERT_TRUE(space->map_anonymous({100 * (2U << 20)}, 2 * page_size, rw, abi::MapFlags::fixed));
    EXPECT_EQ(mmu_.read(*space, {100 * (2U << 20)}).value(), 0U);
    EXPECT_EQ(mmu_.read(*space, {100 * (2U << 20) + page_size}).value(), 0U);
}

TEST_F(AddressSpaceTest, a_home_hosted_in_the_kernel_leaves_no_table_behind) {
    auto const before = mem::count_frames().by_kind[static_cast<std::size_t>(mem::FrameKind::page_table)];
    {
        auto const home = AddressSpace::create_hosted_home(account()).value();
        auto const at = home->map_anonymous({}, page_size, rw, none).value();
        ASSERT_TRUE(home->handle_fault(at, abi::Access::write));
        ASSERT_TRUE(home->unmap(at, page_size));
    }
    EXPECT_EQ(mem::count_frames().by_kind[static_cast<std::size_t>(mem::FrameKind::page_table)], before);
}

}  // namespace
}  // namespace astrata::kernel
