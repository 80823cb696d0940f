// Address spaces, forks and objects under random use, against a model that knows each page's content. Accesses go
// through a TLB that forgets only what it is told to forget, and free memory is poisoned, so a missing flush or an
// early free is found.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/address_space.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/test_machine.h"
#include "kernel/mem/test_mmu.h"

namespace astrata::kernel {
namespace {

constexpr auto rw = abi::Access::read | abi::Access::write;

struct ModelObject {
    Ref<MemoryObject> object;
    std::vector<std::uint64_t> values;  // by page
};

struct ModelPage {
    abi::Access access;
    std::shared_ptr<ModelObject> object;  // null: anonymous
    std::uint64_t object_page = 0;
    bool is_private = true;
    std::optional<std::uint64_t> own;  // a private page that was written

    [[nodiscard]] bool continues(ModelPage const& before) const {
        return access == before.access && object == before.object && is_private == before.is_private &&
               (!object || object_page == before.object_page + 1);
    }
    // What reading yields; nothing beyond the object's end.
    [[nodiscard]] std::optional<std::uint64_t> value() const {
        if (own)
            return own;
        if (!object)
            return 0;
        if (object_page >= object->values.size())
            return std::nullopt;
        return object->values[object_page];
    }
};

struct ModelSpace {
    Ref<AddressSpace> space;
    std::map<std::uint64_t, ModelPage> pages;  // by page number
};

class World {
public:
    explicit World(std::uint64_t seed) : random_(seed), machine_(192U << 20) {
        EXPECT_TRUE(machine_.initialize());
        account_ = Account::create(nullptr, Account::unlimited).value();
        home_ = AddressSpace::create_home(*account_).value();
        free_before_ = mem::count_frames().free;
        used_before_ = account_->used();
        add_object(40);
        add_object(7);
        spaces_.push_back({new_guest(), {}});
    }

    void step() {
        switch (pick(22)) {
        case 0: clone_space(); break;
        case 1: drop_space(); break;
        case 2:
        case 3: map_anonymous(); break;
        case 4:
        case 5: map_object(); break;
        case 6: unmap(); break;
        case 7: protect(); break;
        case 8: discard(); break;
        case 9:
        case 10: move(); break;
        case 11: resize_object(); break;
        case 12: discard_object(); break;
        case 13: write_object(); break;
        case 14: snapshot_object(); break;
        default:
            for (int i = 0; i < 4; ++i)
                write_page();
        }
        for (int i = 0; i < 6; ++i)
            check_page(some_space(), random_page());
    }

    void check_everything() {
        for (auto& modelled : spaces_) {
            EXPECT_EQ(modelled.space->mapped_bytes(), modelled.pages.size() * page_size);
            for (auto const& [page, ignored] : modelled.pages)
                check_page(modelled, page);
            std::vector<abi::MappingInfo> infos(1000);
            infos.resize(modelled.space->query({0}, infos));
            std::uint64_t mapped = 0;
            for (auto const& info : infos) {
                mapped += info.length;
                EXPECT_TRUE(modelled.pages.contains(info.start / page_size));
            }
            EXPECT_EQ(mapped, modelled.pages.size() * page_size);
        }
        for (auto const& object : objects_) {
            std::uint64_t value = 0;
            for (std::uint64_t page = 0; page < object->values.size(); ++page) {
                EXPECT_TRUE(object->object->read_bytes(page * page_size, std::as_writable_bytes(std::span(&value, 1))));
                EXPECT_EQ(value, object->values[page]);
            }
        }
    }

    void end() {
        while (!spaces_.empty())
            drop(spaces_.size() - 1);
        objects_.clear();
        EXPECT_EQ(account_->used(), used_before_);
        mem::drain_heap_cache();
        EXPECT_LE(free_before_ - mem::count_frames().free, 12U);
    }

private:
    std::uint64_t pick(std::uint64_t limit) { return random_() % limit; }
    ModelSpace& some_space() { return spaces_[pick(spaces_.size())]; }
    std::shared_ptr<ModelObject>& some_object() { return objects_[pick(objects_.size())]; }
    // Two small windows, one of them across a 1 GiB boundary, and one for 2 MiB pages: mostly around their edges.
    std::uint64_t random_page() {
        constexpr std::uint64_t windows[] = {0x20'0000'0000 / page_size, 0x40'0000'0000 / page_size - 48,
                                             0x60'0000'0000 / page_size - 48};
        auto const window = pick(3);
        return std::span(windows)[window] + pick(96) + (window == 2 ? pick(3) * 512 : 0);
    }
    // Now and then enough for some 2 MiB pages.
    std::uint64_t random_count(std::uint64_t limit) { return pick(8) == 0 ? pick(1100) + 1 : pick(limit) + 1; }
    Ref<AddressSpace> new_guest() {
        auto space = AddressSpace::create_guest(*account_, Ref<AddressSpace>::share(*home_)).value();
        fakes.used_spaces.insert(space.get());
        return space;
    }
    void add_object(std::uint64_t pages) {
        auto object = MemoryObject::create(*account_, pages * page_size).value();
        objects_.push_back(std::make_shared<ModelObject>(ModelObject{object, std::vector<std::uint64_t>(pages, 0)}));
    }
    void drop(std::size_t index) {
        std::swap(spaces_[index], spaces_.back());
        auto& space = *spaces_.back().space;
        // No CPU uses it any more: its roots leave the TLB with the next switch.
        fakes.used_spaces.erase(&space);
        mmu_.forget_root(space.native_root());
        spaces_.pop_back();
    }

    void clone_space() {
        if (spaces_.size() >= 5)
            return;
        auto& parent = some_space();
        auto copy = parent.space->clone().value();
        fakes.used_spaces.insert(copy.get());
        auto pages = parent.pages;
        spaces_.push_back({std::move(copy), std::move(pages)});
    }
    void drop_space() {
        if (spaces_.size() > 1)
            drop(pick(spaces_.size()));
    }
    abi::Access random_access() {
        constexpr abi::Access choices[] = {
            rw, rw, rw, abi::Access::read, abi::Access::none, abi::Access::read | abi::Access::execute};
        return std::span(choices)[pick(6)];
    }
    void place(ModelSpace& modelled, std::uint64_t first, std::uint64_t count, ModelPage page) {
        for (std::uint64_t i = 0; i < count; ++i) {
            modelled.pages[first + i] = page;
            if (page.object)
                ++page.object_page;
        }
    }
    bool is_free(ModelSpace const& modelled, std::uint64_t first, std::uint64_t count) const {
        auto const at = modelled.pages.lower_bound(first);
        return at == modelled.pages.end() || at->first >= first + count;
    }
    struct Placement {
        VirtAddr address;
        abi::MapFlags flags{};
    };
    Placement random_placement() {
        switch (pick(5)) {
        case 0: return {};
        case 1: return {{random_page() * page_size}, abi::MapFlags::fixed | abi::MapFlags::exclusive};
        default: return {{random_page() * page_size}, abi::MapFlags::fixed};
        }
    }
    void check_placed(ModelSpace& modelled, Placement const& placement, Result<VirtAddr> const& mapped,
                      std::uint64_t count, ModelPage const& page) {
        auto const wanted = placement.address.page();
        if (has(placement.flags, abi::MapFlags::exclusive) && !is_free(modelled, wanted, count)) {
            ASSERT_EQ(mapped.error(), Error::already_exists);
            return;
        }
        ASSERT_TRUE(mapped);
        if (has(placement.flags, abi::MapFlags::fixed))
            ASSERT_EQ(*mapped, placement.address);
        else
            ASSERT_TRUE(is_free(modelled, mapped->page(), count));
        place(modelled, mapped->page(), count, page);
    }
    void map_anonymous() {
        auto& modelled = some_space();
        auto const placement = random_placement();
        auto const count = random_count(30);
        auto const access = random_access();
        auto const populate = pick(4) == 0 ? abi::MapFlags::populate : abi::MapFlags{};
        auto const mapped =
            modelled.space->map_anonymous(placement.address, count * page_size, access, placement.flags | populate);
        check_placed(modelled, placement, mapped, count, {.access = access});
    }
    void map_object() {
        auto& modelled = some_space();
        auto const& object = some_object();
        if (object->values.empty())
            return;
        auto const placement = random_placement();
        auto const first = pick(object->values.size());
        auto const count = pick(object->values.size() - first) + 1;
        auto const access = random_access();
        bool const is_private = pick(2) == 0;
        auto const flags = placement.flags | (is_private ? abi::MapFlags::private_ : abi::MapFlags{}) |
                           (pick(4) == 0 ? abi::MapFlags::populate : abi::MapFlags{});
        auto const mapped =
            modelled.space->map(object->object, first * page_size, placement.address, count * page_size, access, flags);
        ModelPage const page{.access = access, .object = object, .object_page = first, .is_private = is_private};
        check_placed(modelled, placement, mapped, count, page);
        // Populating a writable private mapping copies its pages; a shared one stays the object.
        if (mapped && is_private && has(flags, abi::MapFlags::populate) && has(access, abi::Access::write)) {
            for (std::uint64_t i = 0; i < count; ++i) {
                auto& populated = modelled.pages[mapped->page() + i];
                populated.own = populated.value();
            }
        }
    }
    void unmap() {
        auto& modelled = some_space();
        auto const page = random_page();
        auto const count = random_count(40);
        ASSERT_TRUE(modelled.space->unmap({page * page_size}, count * page_size));
        modelled.pages.erase(modelled.pages.lower_bound(page), modelled.pages.lower_bound(page + count));
    }
    void protect() {
        auto& modelled = some_space();
        auto const page = random_page();
        auto const count = random_count(20);
        auto const access = random_access();
        auto const result = modelled.space->protect({page * page_size}, count * page_size, access);
        for (std::uint64_t i = 0; i < count; ++i) {
            if (!modelled.pages.contains(page + i)) {
                ASSERT_EQ(result.error(), Error::not_found);
                return;
            }
        }
        ASSERT_TRUE(result);
        for (std::uint64_t i = 0; i < count; ++i)
            modelled.pages[page + i].access = access;
    }
    void discard() {
        auto& modelled = some_space();
        auto const page = random_page();
        auto const count = pick(20) + 1;
        ASSERT_TRUE(modelled.space->discard({page * page_size}, count * page_size));
        for (auto at = modelled.pages.lower_bound(page); at != modelled.pages.lower_bound(page + count); ++at)
            at->second.own.reset();
    }
    void move() {
        auto& modelled = some_space();
        auto const page = random_page();
        auto found = modelled.pages.find(page);
        if (found == modelled.pages.end())
            return;
        // As far as it is one mapping.
        std::uint64_t run = 1;
        while (modelled.pages.contains(page + run) &&
               modelled.pages[page + run].continues(modelled.pages[page + run - 1]))
            ++run;
        auto const count = pick(run) + 1;
        auto const new_count = pick(40) + 1;
        bool const is_fixed = pick(2) == 0;
        auto const target = is_fixed ? random_page() : 0;
        auto const first = found->second;
        auto const moved =
            modelled.space->move({page * page_size}, count * page_size, {target * page_size}, new_count * page_size,
                                 is_fixed ? abi::MapFlags::fixed : abi::MapFlags{});
        if (first.object && new_count > count && first.object_page + new_count > first.object->values.size()) {
            ASSERT_EQ(moved.error(), Error::out_of_range);
            return;
        }
        if (is_fixed && target < page + count && page < target + new_count) {
            ASSERT_EQ(moved.error(), Error::invalid_argument);
            return;
        }
        ASSERT_TRUE(moved) << static_cast<int>(moved.error());
        std::vector<ModelPage> contents;
        for (std::uint64_t i = 0; i < count; ++i) {
            contents.push_back(modelled.pages[page + i]);
            modelled.pages.erase(page + i);
        }
        auto fresh = first;
        fresh.own.reset();
        if (is_fixed)
            ASSERT_EQ(moved->page(), target);
        else if (moved->page() != page)
            ASSERT_TRUE(is_free(modelled, moved->page(), new_count));
        place(modelled, moved->page(), new_count, fresh);
        for (std::uint64_t i = 0; i < std::min(count, new_count); ++i)
            modelled.pages[moved->page() + i].own = contents[i].own;
    }
    void resize_object() {
        auto& object = *some_object();
        auto const pages = pick(50);
        ASSERT_TRUE(object.object->set_size(pages * page_size));
        object.values.resize(pages);
    }
    void discard_object() {
        auto& object = *some_object();
        auto const first = pick(50);
        auto const count = pick(10);
        ASSERT_TRUE(object.object->discard(first * page_size, count * page_size));
        for (auto page = first; page < std::min<std::uint64_t>(first + count, object.values.size()); ++page)
            object.values[page] = 0;
    }
    void write_object() {
        auto& object = *some_object();
        if (object.values.empty())
            return;
        auto const page = pick(object.values.size());
        auto const value = random_();
        ASSERT_TRUE(object.object->write_bytes(page * page_size, std::as_bytes(std::span(&value, 1))));
        object.values[page] = value;
    }
    void snapshot_object() {
        auto const source = some_object();
        auto const first = source->values.empty() ? 0 : pick(source->values.size());
        auto const count = pick(source->values.size() - first + 1);
        auto clone =
            source->object->clone(*account_, first * page_size, count * page_size, abi::CloneKind::snapshot).value();
        std::vector<std::uint64_t> const values(source->values.begin() + static_cast<std::ptrdiff_t>(first),
                                                source->values.begin() + static_cast<std::ptrdiff_t>(first + count));
        auto fresh = std::make_shared<ModelObject>(ModelObject{clone, values});
        if (objects_.size() < 6)
            objects_.push_back(fresh);
        else
            some_object() = fresh;
    }
    void write_page() {
        auto& modelled = some_space();
        auto const page = random_page();
        auto const value = random_();
        auto const result = mmu_.write(*modelled.space, {page * page_size}, value);
        auto const found = modelled.pages.find(page);
        bool const is_possible = found != modelled.pages.end() && has(found->second.access, abi::Access::write) &&
                                 found->second.value().has_value();
        if (!is_possible) {
            ASSERT_EQ(result.error(), Error::bad_address);
            return;
        }
        ASSERT_TRUE(result);
        auto& written = found->second;
        if (written.is_private)
            written.own = value;
        else
            written.object->values[written.object_page] = value;
    }
    void check_page(ModelSpace& modelled, std::uint64_t page) {
        auto const result = mmu_.read(*modelled.space, {page * page_size});
        auto const found = modelled.pages.find(page);
        auto const expected = found != modelled.pages.end() && found->second.access != abi::Access::none
                                  ? found->second.value()
                                  : std::nullopt;
        if (!expected) {
            ASSERT_EQ(result.error(), Error::bad_address);
            return;
        }
        ASSERT_TRUE(result);
        ASSERT_EQ(*result, *expected);
    }

    std::mt19937_64 random_;
    TestMachine machine_;
    RefOrNull<Account> account_;
    RefOrNull<AddressSpace> home_;
    std::uint64_t free_before_ = 0;
    std::uint64_t used_before_ = 0;
    TestMmu mmu_;
    std::vector<std::shared_ptr<ModelObject>> objects_;
    std::vector<ModelSpace> spaces_;
};

class AddressSpaceProperty : public testing::TestWithParam<std::uint64_t> {};

TEST_P(AddressSpaceProperty, agrees_with_the_model) {
    World world(GetParam());
    for (int step = 0; step < 3000; ++step) {
        world.step();
        if (HasFatalFailure())
            FAIL() << "step " << step;
        if (step % 300 == 0)
            world.check_everything();
    }
    world.check_everything();
    world.end();
}

INSTANTIATE_TEST_SUITE_P(Seeds, AddressSpaceProperty, testing::Range<std::uint64_t>(1, 9));

}  // namespace
}  // namespace astrata::kernel
