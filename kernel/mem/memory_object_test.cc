#include "kernel/mem/memory_object.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/address_space.h"
#include "kernel/mem/fakes_test.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/test_machine.h"
#include "kernel/object/make_object.h"

namespace astrata::kernel {
namespace {

class FakeEndpoint final : public KernelObject {
public:
    explicit FakeEndpoint(Ref<Account> account) : KernelObject(abi::ObjectKind::endpoint, std::move(account)) {}
};

class MemoryObjectTest : public testing::Test {
protected:
    MemoryObjectTest() : machine_(48U << 20) {
        EXPECT_TRUE(machine_.initialize());
        account_ = Account::create(nullptr, Account::unlimited).value();
        before_ = mem::count_frames().free;
        fakes.pager = nullptr;
    }
    ~MemoryObjectTest() override { fakes.pager = nullptr; }
    Account& account() { return *account_; }
    Ref<MemoryObject> make(std::uint64_t size) { return MemoryObject::create(account(), size).value(); }
    static std::vector<std::byte> read_all(MemoryObject& object) {
        std::vector<std::byte> bytes(object.size(), std::byte{0xee});
        EXPECT_EQ(object.read_bytes(0, bytes).value(), bytes.size());
        return bytes;
    }
    static void write(MemoryObject& object, std::uint64_t offset, std::vector<std::byte> const& bytes) {
        EXPECT_EQ(object.write_bytes(offset, bytes).value(), bytes.size());
    }
    static std::uint64_t resident(MemoryObject& object) {
        abi::MemoryObjectInfo info;
        object.fill(info);
        return info.resident_bytes;
    }
    TestMachine machine_;
    RefOrNull<Account> account_;
    std::uint64_t before_ = 0;
};

std::vector<std::byte> bytes_of(std::size_t count, int value) {
    return std::vector<std::byte>(count, static_cast<std::byte>(value));
}

TEST_F(MemoryObjectTest, reads_zero_until_written_and_pays_per_page) {
    auto object = make(10 * page_size + 100);
    EXPECT_EQ(read_all(*object), bytes_of(10 * page_size + 100, 0));
    auto const used = account().used();
    EXPECT_EQ(resident(*object), 0U);
    write(*object, page_size - 1, bytes_of(2, 7));
    EXPECT_EQ(resident(*object), 2 * page_size);
    EXPECT_GE(account().used(), used + 2 * page_size);
    EXPECT_EQ(object->write_bytes(10 * page_size + 101, bytes_of(1, 1)).error(), Error::out_of_range);
    EXPECT_EQ(object->write_bytes(10 * page_size + 99, bytes_of(2, 1)).value(), 1U);
    EXPECT_EQ(object->read_bytes(1U << 30, MutableBytes()).value(), 0U);
}

TEST_F(MemoryObjectTest, refuses_sizes_beyond_the_tree) {
    EXPECT_EQ(MemoryObject::create(account(), MemoryObject::size_limit + 1).error(), Error::out_of_range);
    auto object = make(MemoryObject::size_limit);
    write(*object, MemoryObject::size_limit - 1, bytes_of(1, 9));
    EXPECT_EQ(object->set_size(~std::uint64_t{0}).error(), Error::out_of_range);
    EXPECT_EQ(object->clone(account(), page_size, ~std::uint64_t{0}, abi::CloneKind::snapshot).error(),
              Error::out_of_range);
    EXPECT_EQ(object->clone(account(), 1, 1, abi::CloneKind::snapshot).error(), Error::invalid_argument);
}

TEST_F(MemoryObjectTest, shrinking_and_growing_again_reads_zero) {
    auto object = make(3 * page_size);
    write(*object, 0, bytes_of(3 * page_size, 5));
    ASSERT_TRUE(object->set_size(page_size + 10));
    ASSERT_TRUE(object->set_size(3 * page_size));
    auto expected = bytes_of(3 * page_size, 0);
    std::fill_n(expected.begin(), page_size + 10, std::byte{5});
    EXPECT_EQ(read_all(*object), expected);
    EXPECT_EQ(resident(*object), 2 * page_size);
}

TEST_F(MemoryObjectTest, keeps_its_contents_when_it_cannot_shrink) {
    auto object = make(3 * page_size);
    write(*object, 0, bytes_of(3 * page_size, 5));
    // The tree's nodes are the object's own again after the write, but page 1 is the clone's too: zeroing its end needs
    // a copy.
    auto const clone = object->clone(account(), 0, 3 * page_size, abi::CloneKind::snapshot).value();
    write(*object, 0, bytes_of(1, 5));
    account().set_limit(account().used());
    EXPECT_EQ(object->set_size(page_size + 10).error(), Error::no_memory);
    account().set_limit(Account::unlimited);
    EXPECT_EQ(read_all(*object), bytes_of(3 * page_size, 5));
    ASSERT_TRUE(object->set_size(page_size + 10));
    EXPECT_EQ(read_all(*clone), bytes_of(3 * page_size, 5));
}

TEST_F(MemoryObjectTest, a_shadow_shows_its_source_until_it_is_written) {
    auto source = make(4 * page_size);
    write(*source, 0, bytes_of(4 * page_size, 1));
    auto shadow = source->clone(account(), page_size, 2 * page_size, abi::CloneKind::shadow).value();
    write(*shadow, 0, bytes_of(1, 9));
    write(*source, 0, bytes_of(4 * page_size, 2));
    auto expected = bytes_of(2 * page_size, 1);
    expected[0] = std::byte{9};
    std::fill_n(expected.begin() + page_size, page_size, std::byte{2});
    EXPECT_EQ(read_all(*shadow), expected);
    // A snapshot of a shadow goes on showing the source where neither wrote.
    auto snapshot = shadow->clone(account(), 0, 2 * page_size, abi::CloneKind::snapshot).value();
    write(*shadow, 0, bytes_of(1, 10));
    EXPECT_EQ(read_all(*snapshot), expected);
    ASSERT_TRUE(shadow->set_size(page_size));
    ASSERT_TRUE(shadow->set_size(2 * page_size));
    EXPECT_EQ(read_all(*shadow)[page_size], std::byte{0});
    ASSERT_TRUE(source->set_size(page_size));
    EXPECT_EQ(read_all(*snapshot)[page_size], std::byte{0});
    EXPECT_EQ(read_all(*snapshot)[0], std::byte{9});
    abi::MemoryObjectInfo info;
    source->fill(info);
    EXPECT_EQ(info.clones, 2U);
}

TEST_F(MemoryObjectTest, shadows_nest_only_so_deep) {
    std::vector<Ref<MemoryObject>> chain{make(page_size)};
    write(*chain[0], 0, bytes_of(page_size, 3));
    for (;;) {
        auto next = chain.back()->clone(account(), 0, page_size, abi::CloneKind::shadow);
        if (!next) {
            EXPECT_EQ(next.error(), Error::not_supported);
            break;
        }
        chain.push_back(*next);
        ASSERT_LT(chain.size(), 20U);
    }
    EXPECT_EQ(read_all(*chain.back())[0], std::byte{3});
}

TEST_F(MemoryObjectTest, contiguous_memory_is_zeroed_charged_and_returned) {
    auto const used = account().used();
    {
        auto object = MemoryObject::create_contiguous(account(), 5 * page_size - 1).value();
        EXPECT_EQ(read_all(*object), bytes_of(5 * page_size - 1, 0));
        write(*object, 4 * page_size, bytes_of(1, 8));
        EXPECT_EQ(std::to_integer<int>(mem::page_bytes(object->device_address() + 4 * page_size)[0]), 8);
        EXPECT_EQ(object->clone(account(), 0, page_size, abi::CloneKind::snapshot).error(), Error::not_supported);
        EXPECT_EQ(object->set_size(page_size).error(), Error::not_supported);
        EXPECT_EQ(object->discard(0, page_size).error(), Error::not_supported);
    }
    EXPECT_EQ(account().used(), used);
    auto const peak = account().peak();
    EXPECT_EQ(MemoryObject::create_contiguous(account(), 1U << 30).error(), Error::no_memory);
    EXPECT_EQ(account().used(), used);
    EXPECT_EQ(account().peak(), peak);  // nobody else was refused for its sake
}

TEST_F(MemoryObjectTest, device_memory_is_neither_read_nor_copied) {
    auto object =
        MemoryObject::create_physical(account(), {0xfee0'0000}, page_size, MemoryObject::Caching::uncached).value();
    std::byte byte{};
    EXPECT_EQ(object->read_bytes(0, MutableBytes(&byte, 1)).error(), Error::not_supported);
    EXPECT_EQ(object->clone(account(), 0, page_size, abi::CloneKind::shadow).error(), Error::not_supported);
    EXPECT_EQ(MemoryObject::create_physical(account(), {0x123}, page_size, MemoryObject::Caching::cached).error(),
              Error::invalid_argument);
    EXPECT_EQ(MemoryObject::create_physical(account(), {0}, ~std::uint64_t{0}, MemoryObject::Caching::cached).error(),
              Error::out_of_range);
}

TEST_F(MemoryObjectTest, asks_its_pager_for_what_it_lacks) {
    auto endpoint = make_object<FakeEndpoint>(account()).value();
    auto source = make(64 * page_size);
    for (std::uint64_t page = 0; page < 64; ++page)
        write(*source, page * page_size, bytes_of(page_size, static_cast<int>(page)));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> requests;
    fakes.pager = [&](MemoryObject& object, std::uint64_t key, std::uint64_t first, std::uint64_t count) -> Result<> {
        EXPECT_EQ(key, 77U);
        requests.emplace_back(first, count);
        return object.supply(first * page_size, *source, first * page_size, count * page_size);
    };
    auto object = MemoryObject::create_paged(account(), endpoint, 77, 40 * page_size - 5).value();
    std::vector<std::byte> buffer(3 * page_size);
    EXPECT_EQ(object->read_bytes(page_size / 2, buffer).value(), buffer.size());
    EXPECT_EQ(requests, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, 4}}));
    EXPECT_EQ(buffer[0], std::byte{0});
    EXPECT_EQ(buffer.back(), std::byte{3});
    // A write brings the page in first; what is there is not asked for again, nor replaced by late supplies.
    write(*object, 5 * page_size + 1, bytes_of(1, 99));
    EXPECT_EQ(requests.size(), 2U);
    ASSERT_TRUE(object->supply(5 * page_size, *source, 0, page_size));
    EXPECT_EQ(object->read_bytes(5 * page_size, std::span(buffer).first(2)).value(), 2U);
    EXPECT_EQ(buffer[0], std::byte{5});
    EXPECT_EQ(buffer[1], std::byte{99});
    EXPECT_EQ(requests.size(), 2U);
    // A shadow asks for pages of its source.
    auto shadow = object->clone(account(), 10 * page_size, page_size, abi::CloneKind::shadow).value();
    EXPECT_EQ(shadow->read_bytes(0, std::span(buffer).first(1)).value(), 1U);
    EXPECT_EQ(buffer[0], std::byte{10});
    EXPECT_EQ(requests.back().first, 10U);
    EXPECT_EQ(object->clone(account(), 0, page_size, abi::CloneKind::snapshot).error(), Error::not_supported);
    // The supply ends at the object's end and zero-fills the rest of a page.
    ASSERT_TRUE(object->supply(38 * page_size, *source, 38 * page_size, page_size + 7));
    EXPECT_EQ(object->read_bytes(39 * page_size, std::span(buffer).first(page_size)).value(), page_size - 5);
    EXPECT_EQ(buffer[6], std::byte{39});
    EXPECT_EQ(buffer[7], std::byte{0});
    ASSERT_TRUE(object->supply(40 * page_size, *source, 0, page_size));
    EXPECT_EQ(object->supply(1, *source, 0, page_size).error(), Error::invalid_argument);
    EXPECT_EQ(source->supply(0, *object, 0, page_size).error(), Error::invalid_argument);
    // Discarded pages come from the pager again.
    ASSERT_TRUE(object->discard(0, 40 * page_size));
    EXPECT_EQ(resident(*object), 0U);
}

TEST_F(MemoryObjectTest, asks_for_no_more_than_it_has_however_long_the_buffer_claims_to_be) {
    auto endpoint = make_object<FakeEndpoint>(account()).value();
    auto object = MemoryObject::create_paged(account(), endpoint, 1, 10 * page_size - 5).value();
    std::uint64_t asked = 0;
    fakes.pager = [&](MemoryObject&, std::uint64_t, std::uint64_t, std::uint64_t count) -> Result<> {
        asked = count;
        return fail(Error::io);
    };
    for (auto const length : {~std::uint64_t{0}, ~std::uint64_t{0} - page_size, std::uint64_t{1} << 63}) {
        asked = 0;
        EXPECT_EQ(object->read(page_size, {{0x1000}, length}).error(), Error::io);
        EXPECT_EQ(asked, 9U);
        EXPECT_EQ(object->write(9 * page_size + 1, {{0x1000}, length}).error(), Error::io);
        EXPECT_EQ(asked, 1U);
    }
}

TEST_F(MemoryObjectTest, a_pager_gives_pages_away_without_copying) {
    using By = MemoryObject::SupplyBy;
    auto endpoint = make_object<FakeEndpoint>(account()).value();
    auto payer = Account::create(&account(), 1U << 20).value();
    auto source = make(6 * page_size - 8);
    for (std::uint64_t page = 0; page < 5; ++page)
        write(*source, page * page_size, bytes_of(page_size, static_cast<int>(page + 1)));
    auto const page_of = [](MemoryObject& object, std::uint64_t index) {
        LockGuard guard(object.lock());
        return object.page_for_read_locked(index).page;
    };
    auto object = MemoryObject::create_paged(*payer, endpoint, 1, 8 * page_size).value();
    auto const paid = payer->used();
    auto const used = account().used();
    auto const first = page_of(*source, 0);
    ASSERT_TRUE(object->supply(0, *source, 0, page_size, By::move));
    EXPECT_EQ(page_of(*object, 0), first);
    EXPECT_EQ(page_of(*source, 0).value, 0U);
    EXPECT_GE(payer->used(), paid + page_size);
    EXPECT_LT(account().used(), used + page_size);  // the page itself costs nothing anew
    // What a clone shares is copied, and so is what is pinned, is not there, or is only a part of a page.
    auto clone = source->clone(account(), page_size, page_size, abi::CloneKind::snapshot).value();
    auto const shared = page_of(*source, 1);
    ASSERT_TRUE(object->supply(page_size, *source, page_size, page_size, By::move));
    EXPECT_EQ(page_of(*source, 1), shared);
    EXPECT_NE(page_of(*object, 1), shared);
    clone = make(page_size);
    {
        mem::PinnedPage const pin(page_of(*source, 2));
        ASSERT_TRUE(object->supply(2 * page_size, *source, 2 * page_size, page_size, By::move));
        EXPECT_EQ(page_of(*source, 2), pin.physical());
    }
    ASSERT_TRUE(object->supply(3 * page_size, *source, 3 * page_size, 100, By::move));
    ASSERT_TRUE(object->supply(4 * page_size, *source, 0, page_size, By::move));
    ASSERT_TRUE(object->supply(5 * page_size, *source, 5 * page_size, page_size, By::move));
    std::vector<std::byte> buffer(6 * page_size);
    ASSERT_EQ(object->read_bytes(0, buffer).value(), buffer.size());
    for (std::uint64_t page = 0; page < 6; ++page)
        EXPECT_EQ(std::to_integer<std::uint64_t>(buffer[page * page_size]), page < 4 ? page + 1 : 0) << page;
    EXPECT_EQ(buffer[3 * page_size + 100], std::byte{0});
    // What is there already stays, and the source keeps its own.
    ASSERT_TRUE(object->supply(0, *source, 2 * page_size, page_size, By::move));
    EXPECT_EQ(page_of(*object, 0), first);
    // Everything that was paid is returned.
    object = MemoryObject::create_paged(account(), endpoint, 1, page_size).value();
    EXPECT_EQ(payer->used(), 0U);
}

TEST_F(MemoryObjectTest, reports_what_the_pager_fails_with_and_does_not_ask_for_ever) {
    auto endpoint = make_object<FakeEndpoint>(account()).value();
    auto object = MemoryObject::create_paged(account(), endpoint, 1, 4 * page_size).value();
    auto source = make(page_size);
    std::vector<std::byte> buffer(2 * page_size);
    fakes.pager = [&](MemoryObject& target, std::uint64_t, std::uint64_t first, std::uint64_t) -> Result<> {
        return first == 0 ? target.supply(0, *source, 0, page_size) : fail(Error::io);
    };
    EXPECT_EQ(object->read_bytes(0, buffer).value(), page_size);
    EXPECT_EQ(object->read_bytes(page_size, buffer).error(), Error::io);
    int asked = 0;
    fakes.pager = [&](MemoryObject&, std::uint64_t, std::uint64_t, std::uint64_t) -> Result<> {
        ++asked;
        return {};
    };
    EXPECT_EQ(object->write_bytes(page_size, std::span(buffer).first(1)).error(), Error::io);
    EXPECT_LT(asked, 1000);
}

class ReclaimTest : public MemoryObjectTest {
protected:
    static constexpr std::uint64_t pages = 64;
    ReclaimTest() : limited_(Account::create(&account(), 40 * page_size).value()), source_(make(pages * page_size)) {
        for (std::uint64_t page = 0; page < pages; ++page)
            write(*source_, page * page_size, bytes_of(page_size, static_cast<int>(page + 1)));
        fakes.pager = [this](MemoryObject& object, std::uint64_t, std::uint64_t first,
                             std::uint64_t count) -> Result<> {
            ++requests_;
            return object.supply(first * page_size, *source_, first * page_size, count * page_size);
        };
    }
    Ref<MemoryObject> make_paged() {
        auto endpoint = make_object<FakeEndpoint>(account()).value();
        return MemoryObject::create_paged(*limited_, endpoint, 1, pages * page_size).value();
    }
    Ref<Account> limited_;
    Ref<MemoryObject> source_;
    int requests_ = 0;
};

TEST_F(ReclaimTest, clean_pages_make_room_for_others_of_the_same_object) {
    auto object = make_paged();
    for (int round = 0; round < 3; ++round) {
        auto const bytes = read_all(*object);
        for (std::uint64_t page = 0; page < pages; ++page)
            ASSERT_EQ(bytes[page * page_size], static_cast<std::byte>(page + 1));
    }
    EXPECT_LE(limited_->used(), limited_->limit());
    EXPECT_GT(requests_, 3);
}

TEST_F(ReclaimTest, written_pages_stay) {
    auto object = make_paged();
    for (std::uint64_t page = 0; page < pages; page += 8)
        write(*object, page * page_size, bytes_of(1, 200));
    for (int round = 0; round < 3; ++round) {
        auto const bytes = read_all(*object);
        for (std::uint64_t page = 0; page < pages; ++page)
            ASSERT_EQ(bytes[page * page_size], page % 8 == 0 ? std::byte{200} : static_cast<std::byte>(page + 1));
    }
}

TEST_F(ReclaimTest, a_silo_full_of_written_pages_is_refused_more) {
    auto object = make_paged();
    std::uint64_t page = 0;
    while (page < pages && object->write_bytes(page * page_size, bytes_of(1, 200)).value_or(0) == 1)
        ++page;
    EXPECT_GT(page, 20U);
    ASSERT_LT(page, pages);
    EXPECT_EQ(object->write_bytes(page * page_size, bytes_of(1, 200)).error(), Error::no_memory);
    for (std::uint64_t written = 0; written < page; ++written) {
        std::byte byte{};
        EXPECT_EQ(object->read_bytes(written * page_size, MutableBytes(&byte, 1)).value(), 1U);
        EXPECT_EQ(byte, std::byte{200});
    }
}

TEST_F(ReclaimTest, another_silo_keeps_its_pages_while_the_machine_has_memory) {
    auto object = make_paged();
    (void)read_all(*object);
    auto const before = resident(*object);
    auto const other = Account::create(&account(), 8 * page_size).value();
    EXPECT_FALSE(mem::make_room(*other));
    EXPECT_EQ(resident(*object), before);
}

TEST_F(ReclaimTest, a_fault_takes_clean_pages_before_it_fails_also_those_that_are_mapped) {
    auto object = make_paged();
    auto const home = AddressSpace::create_home(account()).value();
    auto const space = AddressSpace::create_guest(*limited_, home).value();
    auto const shown = space->map(object, 0, {}, 16 * page_size, abi::Access::read, abi::MapFlags::none).value();
    for (std::uint64_t page = 0; page < 16; ++page)
        ASSERT_TRUE(space->handle_fault(shown + page * page_size, abi::Access::read));
    auto const at =
        space->map_anonymous({}, 64 * page_size, abi::Access::read | abi::Access::write, abi::MapFlags::private_)
            .value();
    std::uint64_t page = 0;
    while (page < 64 && space->handle_fault(at + page * page_size, abi::Access::write))
        ++page;
    EXPECT_GT(page, 16U);
    EXPECT_LT(page, 40U);
    EXPECT_EQ(resident(*object), 0U);
    EXPECT_EQ(space->handle_fault(at + page * page_size, abi::Access::write).error(), Error::no_memory);
}

TEST_F(ReclaimTest, a_page_that_is_only_read_through_a_shared_mapping_stays_clean) {
    auto object = make_paged();
    auto const home = AddressSpace::create_home(account()).value();
    auto const space = AddressSpace::create_guest(account(), home).value();
    auto const shown =
        space->map(object, 0, {}, 2 * page_size, abi::Access::read | abi::Access::write, abi::MapFlags::none).value();
    ASSERT_TRUE(space->handle_fault(shown, abi::Access::read));
    ASSERT_TRUE(space->handle_fault(shown + page_size, abi::Access::write));
    EXPECT_EQ(object->reclaim(pages, {}), 1U);
    EXPECT_EQ(resident(*object), page_size);
}

// Objects against plain vectors, with clones of clones, partial clones, writes, discards and resizing.
TEST_F(MemoryObjectTest, agrees_with_a_model_under_random_use) {
    struct Modelled {
        Ref<MemoryObject> object;
        std::vector<std::byte> bytes;
    };
    std::mt19937_64 random(23);
    constexpr std::uint64_t largest = 200 * page_size;
    {
        std::vector<Modelled> all;
        all.push_back({make(50 * page_size + 17), bytes_of(50 * page_size + 17, 0)});
        for (int step = 0; step < 4000; ++step) {
            auto const which = random() % all.size();
            auto& [object, bytes] = all[which];
            switch (random() % 10) {
            case 0: {
                if (all.size() >= 8)
                    break;
                auto const offset = bytes.empty() ? 0 : align_down(random() % bytes.size(), page_size);
                auto const size = bytes.size() - offset == 0 ? 0 : random() % (bytes.size() - offset + 1);
                auto clone = object->clone(account(), offset, size, abi::CloneKind::snapshot);
                ASSERT_TRUE(clone);
                std::vector<std::byte> part(bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(offset + size));
                all.push_back({*clone, std::move(part)});
                break;
            }
            case 1:
                if (all.size() > 1) {
                    std::swap(all[which], all.back());
                    all.pop_back();
                }
                break;
            case 2: {
                auto const size = random() % 3 == 0 ? random() % largest
                                                    : bytes.size() + random() % 9000 -
                                                          std::min<std::uint64_t>(bytes.size(), random() % 9000);
                ASSERT_TRUE(object->set_size(size));
                bytes.resize(size);
                break;
            }
            case 3: {
                auto const offset = random() % largest;
                auto const length = random() % (30 * page_size);
                ASSERT_TRUE(object->discard(offset, length));
                auto const end =
                    offset + length >= bytes.size() ? bytes.size() : align_down(offset + length, page_size);
                for (auto at = align_up(offset, page_size); at < end; ++at)
                    bytes[at] = std::byte{0};
                break;
            }
            default: {
                if (bytes.empty())
                    break;
                auto const offset = random() % bytes.size();
                auto const length = std::min(random() % 9000 + 1, bytes.size() - offset);
                auto const content = bytes_of(length, static_cast<int>(random()));
                write(*object, offset, content);
                std::ranges::copy(content, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
            }
            }
            auto& checked = all[random() % all.size()];
            ASSERT_EQ(checked.object->size(), checked.bytes.size());
            ASSERT_EQ(read_all(*checked.object), checked.bytes) << step;
        }
    }
    EXPECT_EQ(account().used(), 0U);
    EXPECT_LE(before_ - mem::count_frames().free, 8U);
}

TEST_F(MemoryObjectTest, stays_whole_when_the_account_is_exhausted) {
    std::mt19937_64 random(29);
    auto object = make(300 * page_size);
    std::vector<Ref<MemoryObject>> clones;
    account().set_limit(account().used() + 60 * page_size);
    int failures = 0;
    for (int step = 0; step < 2000; ++step) {
        auto& target = clones.empty() || random() % 2 == 0 ? *object : *clones[random() % clones.size()];
        switch (random() % 5) {
        case 0:
            if (clones.size() < 5) {
                auto clone =
                    object->clone(account(), random() % 100 * page_size, 100 * page_size + 9, abi::CloneKind::snapshot);
                clone ? clones.push_back(*clone) : static_cast<void>(++failures);
            } else {
                clones.erase(clones.begin());
            }
            break;
        case 1: failures += target.discard(random() % 90 * page_size, random() % 40 * page_size) ? 0 : 1; break;
        default: failures += target.write_bytes(random() % 99 * page_size, bytes_of(1, 1)) ? 0 : 1;
        }
        ASSERT_LE(account().used(), account().limit());
    }
    EXPECT_GT(failures, 0);
    clones.clear();
    object = make(0);
    account_ = nullptr;
}

}  // namespace
}  // namespace astrata::kernel
