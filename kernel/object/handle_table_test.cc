#include "arch/cpu.h"
#include "kernel/object/handle_table.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "kernel/ipc/reply.h"
#include "kernel/mem/fakes_test.h"
#include "kernel/object/fakes_test.h"
#include "kernel/object/io_region.h"

namespace astrata::kernel {
namespace {

using abi::Rights;

class HandleTableTest : public ObjectTest, public testing::Test {
protected:
    Ref<Account> account = Account::create(nullptr, Account::unlimited).value();
    Ref<Thing> thing = make_object<Thing>(*account).value();
    HandleTable table{*account};
    HandleTable other{*account};
};

TEST_F(HandleTableTest, a_closed_handle_stays_invalid_when_its_slot_is_used_again) {
    auto const first = table.insert(thing, Rights::read).value();
    EXPECT_TRUE(table.close(first));
    auto const second = table.insert(thing, Rights::read).value();
    EXPECT_EQ(static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(second));
    EXPECT_EQ(table.find(first).error(), Error::bad_handle);
    EXPECT_EQ(table.close(first).error(), Error::bad_handle);
    EXPECT_TRUE(table.find(second));
}

TEST_F(HandleTableTest, refuses_numbers_that_no_handle_has) {
    for (auto const handle : {abi::Handle{0}, ~abi::Handle{0}, abi::Handle{1}, abi::Handle{0x1'0000'0001}})
        EXPECT_EQ(table.find(handle).error(), Error::bad_handle);
}

TEST_F(HandleTableTest, revoking_closes_what_was_derived_in_all_tables_and_nothing_else) {
    auto const root = table.insert(thing, Rights::read | Rights::duplicate).value();
    auto const child = table.derive(root, Rights::read | Rights::duplicate, 0).value();
    auto const grandchild = table.derive(child, Rights::read, 0).value();
    auto const sibling = table.derive(root, Rights::read, 0).value();
    auto const moved = table.move(grandchild, other).value();
    EXPECT_EQ(table.revoke(child).value(), 1U);
    EXPECT_EQ(other.find(moved).error(), Error::bad_handle);
    EXPECT_TRUE(table.find(child));
    EXPECT_TRUE(table.find(sibling));
    EXPECT_EQ(table.revoke(root).value(), 2U);
    EXPECT_TRUE(table.find(root));
    EXPECT_EQ(table.count(), 1U);
}

TEST_F(HandleTableTest, what_a_closed_handle_had_derived_can_be_revoked_from_above) {
    auto const root = table.insert(thing, Rights::duplicate).value();
    auto const child = table.derive(root, Rights::duplicate, 0).value();
    auto const grandchild = table.derive(child, Rights::read, 0).value();
    EXPECT_TRUE(table.close(child));
    EXPECT_TRUE(table.find(grandchild));
    EXPECT_EQ(table.revoke(root).value(), 1U);
    EXPECT_EQ(table.find(grandchild).error(), Error::bad_handle);
}

TEST_F(HandleTableTest, revokes_long_chains_and_wide_trees) {
    auto const root = table.insert(thing, Rights::duplicate).value();
    std::uint64_t made = 0;
    for (auto deepest = root; made < 1000; ++made)
        deepest = table.derive(deepest, Rights::duplicate, 0).value();
    for (; made < 2000; ++made)
        (void)table.derive(root, Rights::read, 0).value();
    EXPECT_EQ(table.revoke(root).value(), made);
    EXPECT_EQ(table.count(), 1U);
}

TEST_F(HandleTableTest, tells_the_object_when_the_last_handle_goes) {
    auto const one = table.insert(thing, Rights::receive | Rights::duplicate).value();
    auto const two = table.derive(one, Rights::read, 0).value();
    EXPECT_TRUE(table.close(one));
    EXPECT_EQ(thing->times_without_receivers, 1);
    EXPECT_EQ(thing->times_without_handles, 0);
    auto const moved = table.move(two, other).value();
    EXPECT_EQ(thing->times_without_handles, 0);
    EXPECT_TRUE(other.close(moved));
    EXPECT_EQ(thing->times_without_handles, 1);
    EXPECT_EQ(thing->reference_count(), 1U);
}

TEST_F(HandleTableTest, a_reply_handle_answers_once) {
    auto const reply = make_object<Reply>(*account).value();
    auto const handle = table.insert_reply(reply, 7).value();
    auto const moved = table.move(handle, other).value();
    EXPECT_EQ(table.take_reply(handle).error(), Error::bad_handle);
    EXPECT_EQ(other.take_reply(moved).value().badge, 7U);
    EXPECT_EQ(other.take_reply(moved).error(), Error::bad_handle);
    EXPECT_TRUE(table.close(table.insert_reply(reply, 8).value()));
    EXPECT_EQ(object_fakes.dropped_replies, 1);
    EXPECT_EQ(reply->reference_count(), 1U);
}

TEST_F(HandleTableTest, a_reply_handle_that_is_answered_while_it_moves_leaves_nothing_behind) {
    auto const reply = make_object<Reply>(*account).value();
    std::atomic<abi::Handle> offered = 0;
    std::atomic<int> answered = -1;
    std::jthread answering([&](std::stop_token stop) {
        arch::host_cpu_index = 1;
        while (!stop.stop_requested()) {
            if (auto const handle = offered.exchange(0); handle != 0) {
                bool const is_taken = table.take_reply(handle).has_value();
                answered = is_taken ? 1 : 0;
            }
        }
    });
    for (std::uint64_t round = 0; round < 20'000; ++round) {
        auto const handle = table.insert_reply(reply, round).value();
        answered = -1;
        offered = handle;
        for (std::uint64_t wait = 0; wait < round % 64; ++wait)
            (void)offered.load();
        auto const moved = table.move(handle, other);
        while (answered == -1) {
        }
        ASSERT_NE(moved.has_value(), answered == 1);
        if (moved)
            ASSERT_TRUE(other.take_reply(*moved));
        ASSERT_EQ(other.count(), 0U);
        ASSERT_EQ(reply->reference_count(), 1U);
    }
}

TEST_F(HandleTableTest, the_handles_of_a_message_move_together) {
    MessageHandles handles{.values = {table.insert(thing, Rights::transfer | Rights::read).value(),
                                      table.insert(thing, Rights::transfer).value()},
                           .count = 2};
    auto const moved = table.move_message(handles, other).value();
    EXPECT_EQ(moved.count, 2U);
    EXPECT_EQ(table.count(), 0U);
    EXPECT_EQ(other.find(moved.values[0]).value().rights, Rights::transfer | Rights::read);
    auto const returned = other.return_message(moved, table);
    EXPECT_EQ(other.count(), 0U);
    EXPECT_EQ(table.find(returned.values[1]).value().rights, Rights::transfer);
}

TEST_F(HandleTableTest, a_message_with_a_handle_that_must_stay_moves_none) {
    auto const first = table.insert(thing, Rights::transfer).value();
    MessageHandles handles{.values = {first, table.insert(thing, Rights::read).value()}, .count = 2};
    EXPECT_EQ(table.move_message(handles, other).error(), Error::access_denied);
    EXPECT_EQ(other.count(), 0U);
    EXPECT_TRUE(table.find(first));
}

TEST_F(HandleTableTest, a_message_that_does_not_fit_whole_leaves_its_handles_with_the_sender) {
    while (other.insert(thing, Rights::none)) {
    }
    auto const occupied = other.count();
    // Room for one.
    ASSERT_TRUE(other.close(std::uint64_t{1} << 32 | 1));
    MessageHandles handles{.values = {table.insert(thing, Rights::transfer).value(),
                                      table.insert(thing, Rights::transfer | Rights::read).value()},
                           .count = 2};
    EXPECT_EQ(table.move_message(handles, other).error(), Error::no_resources);
    EXPECT_EQ(other.count(), occupied - 1);
    EXPECT_EQ(table.find(handles.values[0]).value().rights, Rights::transfer);
    EXPECT_EQ(table.find(handles.values[1]).value().rights, Rights::transfer | Rights::read);
}

// A message is delivered under its endpoint's lock, which the end of an object may take as well.
TEST_F(HandleTableTest, an_object_does_not_end_in_the_middle_of_a_message) {
    KernelObject::drop_reference_late(make_object<Thing>(*account).value());
    EXPECT_EQ(fakes.reaped, 1U);
    KernelObject::drop_reference_late(thing);
    EXPECT_EQ(fakes.reaped, 1U);
    fakes.reaped = 0;
    // Whoever closes the handle while it moves leaves the mover with the last reference.
    std::atomic<abi::Handle> offered = 0;
    std::jthread closing([&](std::stop_token stop) {
        arch::host_cpu_index = 1;
        while (!stop.stop_requested()) {
            if (auto const handle = offered.exchange(0); handle != 0)
                (void)table.close(handle);
        }
    });
    for (int round = 0; round < 5'000; ++round) {
        MessageHandles handles{.values = {table.insert(make_object<Thing>(*account).value(), Rights::transfer).value()}, .count = 1};
        offered = handles.values[0];
        if (auto const moved = table.move_message(handles, other); moved)
            ASSERT_TRUE(other.close(moved->values[0]));
        while (offered.load() != 0) {
        }
    }
    closing.request_stop();
    closing.join();
    EXPECT_EQ(other.count(), 0U);
    EXPECT_EQ(table.count(), 0U);
}

TEST_F(HandleTableTest, revoking_a_region_closes_its_parts_everywhere) {
    auto whole = make_object<IoRegion>(*account, abi::IoRegionKind::port, 0U, 1000U).value();
    auto const root = table.insert(whole, Rights::duplicate | Rights::read).value();
    auto part = make_object<IoRegion>(*account, *whole, 100U, 10U).value();
    auto const part_handle = table.derive_part(root, part, Rights::duplicate | Rights::read).value();
    auto smaller = make_object<IoRegion>(*account, *part, 104U, 1U).value();
    auto const smaller_handle = table.derive_part(part_handle, smaller, Rights::read).value();
    auto const given = table.move(smaller_handle, other).value();
    auto const copy = table.derive(part_handle, Rights::read, 0).value();
    EXPECT_EQ(table.revoke(part_handle).value(), 2U);
    EXPECT_EQ(other.find(given).error(), Error::bad_handle);
    EXPECT_EQ(table.find(copy).error(), Error::bad_handle);
    EXPECT_EQ(smaller->reference_count(), 1U);
    EXPECT_TRUE(table.find(part_handle));
    EXPECT_EQ(table.revoke(root).value(), 1U);
    EXPECT_EQ(table.find(part_handle).error(), Error::bad_handle);
    EXPECT_EQ(table.count(), 1U);
}

TEST_F(HandleTableTest, a_part_outlives_the_handles_of_its_whole) {
    auto part_handle = abi::Handle{0};
    {
        auto whole = make_object<IoRegion>(*account, abi::IoRegionKind::port, 0U, 1000U).value();
        auto const root = table.insert(whole, Rights::duplicate).value();
        part_handle = table.derive_part(root, make_object<IoRegion>(*account, *whole, 5U, 5U).value(), Rights::duplicate).value();
        EXPECT_TRUE(table.close(root));
    }
    auto const copy = table.derive(part_handle, Rights::none, 0).value();
    EXPECT_EQ(table.revoke(part_handle).value(), 1U);
    EXPECT_EQ(table.find(copy).error(), Error::bad_handle);
    EXPECT_TRUE(table.close(part_handle));
    EXPECT_EQ(table.count(), 0U);
}

TEST_F(HandleTableTest, a_full_table_and_an_ended_process_refuse) {
    auto inserted = table.insert(thing, Rights::none);
    while (inserted)
        inserted = table.insert(thing, Rights::none);
    EXPECT_EQ(inserted.error(), Error::no_resources);
    auto const handle = other.insert(thing, Rights::none).value();
    EXPECT_EQ(other.move(handle, table).error(), Error::no_resources);
    EXPECT_TRUE(other.find(handle));
    table.close_all();
    EXPECT_EQ(table.count(), 0U);
    EXPECT_EQ(table.insert(thing, Rights::none).error(), Error::no_resources);
    EXPECT_EQ(thing->reference_count(), 2U);
}

TEST_F(HandleTableTest, returns_all_memory_and_fails_cleanly_without_any) {
    auto const before = account->used();
    {
        HandleTable short_lived{*account};
        for (int i = 0; i < 100; ++i)
            EXPECT_TRUE(short_lived.insert(thing, Rights::none));
        EXPECT_GT(account->used(), before);
        account->set_limit(account->used());
        HandleTable starved{*account};
        EXPECT_EQ(starved.insert(thing, Rights::none).error(), Error::no_memory);
    }
    EXPECT_EQ(account->used(), before);
}

}  // namespace
}  // namespace astrata::kernel
