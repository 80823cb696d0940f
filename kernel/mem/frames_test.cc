#include "kernel/mem/frames.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "kernel/mem/account.h"
#include "kernel/mem/test_machine.h"

namespace astrata::kernel::mem {
namespace {

constexpr PhysAddr no_limit{std::uint64_t{1} << 44};

BootInfo info_of(std::initializer_list<MemoryRange> ranges) {
    BootInfo info;
    for (auto const& range : ranges)
        info.range_storage[info.range_count++] = range;
    return info;
}

TEST(BootRanges, sorts_merges_and_rounds_inwards) {
    auto const info = info_of({{{0x300'0000}, 0x10'0800, MemoryKind::usable},
                               {{0x10'0000}, 0x10'0000, MemoryKind::usable},
                               {{0x1f'f123}, 0x10'0000, MemoryKind::usable}});
    BootRanges const ranges(info, no_limit);
    ASSERT_EQ(ranges.ranges().size(), 2U);
    EXPECT_EQ(ranges.ranges()[0].start, PhysAddr{0x10'0000});
    EXPECT_EQ(ranges.ranges()[0].end, PhysAddr{0x2f'f000});
    EXPECT_EQ(ranges.ranges()[1].end, PhysAddr{0x310'0000});
    EXPECT_EQ(ranges.top(), PhysAddr{0x310'0000});
}

TEST(BootRanges, lets_other_kinds_win_and_keeps_the_image_and_archive) {
    auto info = info_of({{{0}, 0x1000'0000, MemoryKind::usable},
                         {{0x800'0100}, 0x10, MemoryKind::reserved},
                         {{0xfff'0000}, ~std::uint64_t{0}, MemoryKind::acpi_nvs}});
    info.kernel_start = {0x10'0000};
    info.kernel_length = 0x10'0000;
    info.archive_start = {0x400'0000};
    info.archive_length = 0x1001;
    BootRanges const ranges(info, no_limit);
    ASSERT_EQ(ranges.ranges().size(), 3U);
    EXPECT_EQ(ranges.ranges()[0].start, PhysAddr{0x20'0000});
    EXPECT_EQ(ranges.ranges()[0].end, PhysAddr{0x400'0000});
    EXPECT_EQ(ranges.ranges()[1].start, PhysAddr{0x400'2000});
    EXPECT_EQ(ranges.ranges()[1].end, PhysAddr{0x800'0000});
    EXPECT_EQ(ranges.ranges()[2].start, PhysAddr{0x800'1000});
    EXPECT_EQ(ranges.ranges()[2].end, PhysAddr{0xfff'0000});
}

TEST(BootRanges, survives_wrapping_and_empty_maps) {
    BootRanges const wrapping(info_of({{{0xffff'ffff'ffff'f000}, 0x10000, MemoryKind::usable}}), no_limit);
    EXPECT_TRUE(wrapping.ranges().empty());
    BootRanges empty(BootInfo{}, no_limit);
    EXPECT_EQ(empty.bytes(), 0U);
    EXPECT_EQ(empty.take(page_size, no_limit).error(), Error::no_memory);
}

TEST(BootRanges, agrees_with_a_page_map_under_random_input) {
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        BootInfo info;
        std::vector<bool> usable(1024, false);
        std::vector<bool> blocked(1024, false);
        for (int i = 0; i < 40; ++i) {
            auto const first = random() % 1000 * page_size + random() % 3 * 0x800;
            auto const length = random() % 40 * 0x800;
            auto const kind = static_cast<MemoryKind>(random() % 3);
            info.range_storage[info.range_count++] = {{first}, length, kind};
        }
        for (auto const& range : info.ranges()) {
            for (std::uint64_t page = 0; page < 1024; ++page) {
                auto const from = page * page_size;
                auto const end = range.start.value + range.length;
                if (range.kind != MemoryKind::usable && range.start.value < from + page_size && end > from &&
                    range.length > 0)
                    blocked[page] = true;
                if (range.kind == MemoryKind::usable && range.start.value <= from && end >= from + page_size)
                    usable[page] = true;
            }
        }
        BootRanges ranges(info, no_limit);
        if (random() % 2 == 0) {
            if (auto taken = ranges.take(3 * page_size, PhysAddr{600 * page_size})) {
                EXPECT_LE(taken->value + 3 * page_size, 600 * page_size);
                for (std::uint64_t page = 0; page < 3; ++page) {
                    EXPECT_FALSE(blocked[taken->page() + page]);
                    blocked[taken->page() + page] = true;
                }
            }
        }
        std::vector<bool> result(1024, false);
        PhysAddr previous{0};
        for (auto const& range : ranges.ranges()) {
            EXPECT_GT(range.start, previous);
            previous = range.end;
            for (auto page = range.start.page(); page < range.end.page(); ++page)
                result[page] = true;
        }
        // Two half pages that touch make a whole one, which the model does not know.
        for (std::uint64_t page = 256; page < 1024; ++page)
            EXPECT_TRUE(result[page] == (usable[page] && !blocked[page]) || (result[page] && !blocked[page]));
    }
}

class FramesTest : public testing::Test {
protected:
    FramesTest() : machine_(16U << 20) { EXPECT_TRUE(machine_.initialize_allocators()); }
    TestMachine machine_;
};

TEST_F(FramesTest, returns_to_the_same_free_count_after_a_storm) {
    std::mt19937 random(5);
    auto const before = count_frames();
    EXPECT_EQ(before.total, (16U << 20) / page_size);
    EXPECT_LE(before.boot * 200, before.total);  // at most 0.5 % of memory for the Frame array
    struct Block {
        PhysAddr start;
        std::uint64_t count;
    };
    std::vector<Block> blocks;
    std::vector<bool> taken(1U << 13, false);
    for (int step = 0; step < 20000; ++step) {
        if (random() % 5 < 3) {
            auto const count = random() % 3 == 0 ? random() % 70 + 1 : 1;
            auto const zero = random() % 2 == 0 ? Zero::yes : Zero::no;
            auto frames = count == 1 ? allocate_frame(FrameKind::user, zero)
                                     : allocate_contiguous(count, FrameKind::kernel, zero, random() % 2 == 0);
            if (!frames)
                continue;
            for (std::uint64_t i = 0; i < count; ++i) {
                ASSERT_FALSE(taken[frames->page() + i]);
                taken[frames->page() + i] = true;
                auto bytes = page_bytes(*frames + i * page_size);
                if (zero == Zero::yes)
                    ASSERT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
                std::ranges::fill(bytes, std::byte{0xa5});
            }
            blocks.push_back({*frames, count});
        } else if (!blocks.empty()) {
            std::swap(blocks[random() % blocks.size()], blocks.back());
            auto const block = blocks.back();
            blocks.pop_back();
            for (std::uint64_t i = 0; i < block.count; ++i)
                taken[block.start.page() + i] = false;
            block.count == 1 ? free_frame(block.start) : free_contiguous(block.start, block.count);
        }
    }
    std::uint64_t used = 0;
    for (auto const& block : blocks)
        used += block.count;
    EXPECT_EQ(count_frames().free + used, before.free);
    for (auto const& block : blocks)
        block.count == 1 ? free_frame(block.start) : free_contiguous(block.start, block.count);
    drain_frame_cache();
    EXPECT_EQ(count_frames().free, before.free);
    // Everything has merged again: the largest blocks are there.
    std::vector<PhysAddr> large;
    while (auto block = allocate_frames(max_order, FrameKind::user, Zero::no))
        large.push_back(*block);
    EXPECT_GE(large.size(), 3U);
    for (auto block : large)
        free_frames(block, max_order);
    EXPECT_EQ(count_frames().free, before.free);
}

TEST_F(FramesTest, runs_out_as_an_error) {
    std::vector<PhysAddr> all;
    while (auto frame = allocate_frame(FrameKind::user, Zero::no))
        all.push_back(*frame);
    EXPECT_EQ(count_frames().free, 0U);
    EXPECT_EQ(allocate_frame(FrameKind::user, Zero::no).error(), Error::no_memory);
    EXPECT_EQ(heap_allocate(100), nullptr);
    EXPECT_EQ(allocate_contiguous((1U << max_order) + 1, FrameKind::user, Zero::no).error(), Error::no_memory);
    for (auto frame : all)
        free_frame(frame);
}

TEST_F(FramesTest, heap_gives_disjoint_memory_and_returns_it) {
    std::mt19937 random(9);
    auto const before = count_frames().free;
    struct Piece {
        std::byte* memory;
        std::size_t size;
        std::byte fill;
    };
    std::vector<Piece> pieces;
    auto const check_and_free = [](Piece const& piece) {
        ASSERT_EQ(
            std::count(piece.memory, std::next(piece.memory, static_cast<std::ptrdiff_t>(piece.size)), piece.fill),
            static_cast<std::ptrdiff_t>(piece.size));
        heap_free(piece.memory, piece.size);
    };
    for (int step = 0; step < 20000; ++step) {
        if (random() % 9 < 5) {
            auto const size = random() % 20 == 0 ? random() % 40000 + 1 : random() % 2100 + 1;
            auto* memory = static_cast<std::byte*>(heap_allocate(size));
            if (memory == nullptr)
                continue;
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0U);
            EXPECT_GE(heap_charge(size), size);
            auto const fill = static_cast<std::byte>(random());
            std::fill_n(memory, size, fill);
            pieces.push_back({memory, size, fill});
        } else if (!pieces.empty()) {
            std::swap(pieces[random() % pieces.size()], pieces.back());
            check_and_free(pieces.back());
            pieces.pop_back();
        }
    }
    for (auto const& piece : pieces)
        check_and_free(piece);
    drain_heap_cache();
    // One empty slab stays for each class.
    EXPECT_LE(before - count_frames().free, 17U);
    heap_free(nullptr, 10);
}

TEST_F(FramesTest, charges_count_in_all_ancestors_or_in_none) {
    auto root = Account::create(nullptr, 1000).value();
    auto middle = Account::create(root.get(), Account::unlimited).value();
    auto leaf = Account::create(middle.get(), 600).value();
    ASSERT_TRUE(leaf->charge(500));
    EXPECT_EQ(root->used(), 500U);
    EXPECT_EQ(leaf->charge(101).error(), Error::no_memory);
    EXPECT_EQ(leaf->charge(~std::uint64_t{0}).error(), Error::no_memory);
    ASSERT_TRUE(middle->charge(450));
    EXPECT_EQ(leaf->charge(51).error(), Error::no_memory);
    EXPECT_EQ(leaf->used(), 500U);
    EXPECT_EQ(middle->used(), 950U);
    EXPECT_EQ(root->peak(), 950U);
    // A charge outlives all references to its account.
    auto const id = leaf->id();
    leaf = root;
    EXPECT_EQ(&Account::of(id) == root.get(), false);
    {
        UnchargeBatch batch;
        batch.add(id, 300);
        batch.add(id, 200);
        batch.add(0, 5);
        batch.add(middle->id(), 450);
    }
    EXPECT_EQ(root->used(), 0U);
}

TEST_F(FramesTest, gives_account_ids_out_again) {
    std::vector<Ref<Account>> accounts;
    for (int i = 0; i < 2000; ++i)
        accounts.push_back(Account::create(nullptr, 0).value());
    accounts.clear();
    for (int i = 0; i < 2000; ++i)
        accounts.push_back(Account::create(nullptr, 0).value());
    for (auto const& account : accounts)
        EXPECT_LE(account->id(), 2100U);
}

TEST_F(FramesTest, frames_known_to_be_zero_are_handed_out_without_clearing_and_nothing_else_is) {
    auto const before = count_frames();
    auto const is_zero = [](PhysAddr frame) {
        return std::ranges::all_of(page_bytes(frame), [](std::byte byte) { return byte == std::byte{0}; });
    };
    ASSERT_TRUE(prepare_zeroed_frame());
    EXPECT_EQ(count_frames().zeroed, before.zeroed + 1);
    EXPECT_EQ(count_frames().free, before.free);
    while (prepare_zeroed_frame()) {
    }
    auto const bound = count_frames().zeroed;
    EXPECT_LE(bound, 64U);
    std::vector<PhysAddr> frames;
    for (std::uint64_t taken = 0; taken < 3 * bound; ++taken) {
        frames.push_back(allocate_frame(FrameKind::user, Zero::yes).value());
        ASSERT_TRUE(is_zero(frames.back()));
        std::ranges::fill(page_bytes(frames.back()), std::byte{7});
    }
    EXPECT_EQ(count_frames().zeroed, 0U);
    // What was written is cleared again, unless it is known to be zero.
    for (std::size_t index = 0; index < frames.size(); ++index) {
        if (index % 2 == 0)
            std::ranges::fill(page_bytes(frames[index]), std::byte{0});
        free_frame(frames[index], index % 2 == 0 ? Contents::zero : Contents::unknown);
    }
    frames.clear();
    for (std::uint64_t taken = 0; taken < 3 * bound; ++taken) {
        frames.push_back(allocate_frame(FrameKind::user, Zero::yes).value());
        ASSERT_TRUE(is_zero(frames.back()));
    }
    for (auto const frame : frames)
        free_frame(frame);
    EXPECT_EQ(count_frames().free, before.free);
}

TEST_F(FramesTest, frames_cleared_in_advance_are_used_when_there_are_no_others) {
    while (prepare_zeroed_frame()) {
    }
    EXPECT_GT(count_frames().zeroed, 0U);
    std::vector<PhysAddr> frames;
    while (auto const frame = allocate_frame(FrameKind::user, Zero::no))
        frames.push_back(*frame);
    EXPECT_EQ(count_frames().free, 0U);
    EXPECT_FALSE(prepare_zeroed_frame());
    for (auto const frame : frames)
        free_frame(frame);
}

// Two nodes with 16 MiB each, and one without memory; CPU 1 is in the second, CPU 2 in the third.
class Nodes : public testing::Test {
protected:
    static constexpr std::uint64_t half = 16U << 20;
    static constexpr PhysAddr middle = TestMachine::start + half;

    Nodes() : machine_(2 * half) {
        EXPECT_TRUE(map_.add_memory(0, {0}, middle.value));
        EXPECT_TRUE(map_.add_memory(1, middle, half));
        for (std::uint32_t cpu = 0; cpu < 3; ++cpu)
            EXPECT_TRUE(map_.add_processor(cpu, cpu));
        // From the third, the second is nearer.
        EXPECT_TRUE(map_.set_distances([](std::uint32_t from, std::uint32_t to) -> Result<std::uint8_t> {
            return static_cast<std::uint8_t>(from == to ? 10 : from == 2 && to == 0 ? 40 : 20);
        }));
        EXPECT_TRUE(machine_.initialize_allocators());
        before_ = count_frames();
        use_nodes(map_, machine_.info);
        for (std::uint32_t cpu = 0; cpu < 3; ++cpu)
            set_node_of_cpu(cpu, static_cast<std::uint8_t>(cpu));
    }
    ~Nodes() override { arch::host_cpu_index = 0; }

    static std::vector<PhysAddr> take(std::size_t count, Zero zero = Zero::no) {
        std::vector<PhysAddr> taken;
        while (taken.size() < count) {
            auto const frame = allocate_frame(FrameKind::user, zero);
            if (!frame)
                break;
            taken.push_back(*frame);
        }
        return taken;
    }
    static std::size_t in_second(std::vector<PhysAddr> const& frames) {
        return static_cast<std::size_t>(std::ranges::count_if(frames, [](PhysAddr frame) { return frame >= middle; }));
    }
    static void drain_all() {
        for (arch::host_cpu_index = 0; arch::host_cpu_index < 3; ++arch::host_cpu_index)
            drain_frame_cache();
        arch::host_cpu_index = 0;
    }

    TestMachine machine_;
    numa::NodeMap map_;
    FrameCounts before_;
};

TEST_F(Nodes, divide_all_memory) {
    EXPECT_EQ(count_node(0).free + count_node(1).free, before_.free);
    EXPECT_EQ(count_node(0).total + count_node(1).total, 2 * half / page_size);
    EXPECT_EQ(count_node(2).total, 0U);
    // The frame table lies at the end.
    EXPECT_GT(count_node(0).free, count_node(1).free);
    EXPECT_EQ(nodes().count(), 3U);
}

TEST_F(Nodes, give_each_cpu_its_own_memory) {
    auto const near = take(1000);
    EXPECT_EQ(in_second(near), 0U);
    arch::host_cpu_index = 1;
    auto const far = take(1000, Zero::yes);
    EXPECT_EQ(in_second(far), 1000U);
    EXPECT_GE(allocate_frames(4, FrameKind::kernel, Zero::no).value(), middle);
    EXPECT_EQ(count_node(0).local, 1000U);
    EXPECT_EQ(count_node(1).local, 1016U);
    EXPECT_EQ(count_node(0).remote + count_node(1).remote, 0U);
    arch::host_cpu_index = 2;
    EXPECT_GE(*allocate_frame(FrameKind::user, Zero::no), middle);
    EXPECT_GE(allocate_frames(3, FrameKind::kernel, Zero::no).value(), middle);
    EXPECT_EQ(count_node(1).remote, 9U);
}

TEST_F(Nodes, help_out_when_one_has_none_and_get_everything_back) {
    arch::host_cpu_index = 1;
    auto const own = count_node(1).free;
    auto taken = take(own + 500, Zero::yes);
    ASSERT_EQ(taken.size(), own + 500);
    EXPECT_EQ(in_second(taken), own);
    EXPECT_EQ(count_node(1).local, own);
    EXPECT_EQ(count_node(0).remote, 500U);
    // Frames go home whoever frees them, and however.
    arch::host_cpu_index = 0;
    for (std::size_t index = 0; index < taken.size(); ++index)
        free_frame(taken[index], index % 2 != 0 ? Contents::unknown : Contents::zero);
    // What is left in the CPU's cache goes first.
    arch::host_cpu_index = 1;
    taken = take(before_.free);
    EXPECT_LT(in_second(std::vector(taken.begin(), taken.begin() + 16)), 16U);
    EXPECT_EQ(in_second(std::vector(taken.begin() + 16, taken.begin() + 1016)), 1000U);
    for (auto const frame : taken)
        free_frame(frame);
    drain_all();
    EXPECT_EQ(count_node(1).free, own);
    EXPECT_EQ(count_node(0).free + count_node(1).free, before_.free);
}

TEST_F(Nodes, clear_frames_of_their_own_in_advance) {
    arch::host_cpu_index = 1;
    for (int i = 0; i < 8; ++i)
        EXPECT_TRUE(prepare_zeroed_frame());
    EXPECT_GE(*allocate_frame(FrameKind::user, Zero::yes), middle);
    // Zeroed frames of the other node do not come in.
    auto const foreign = [] {
        arch::host_cpu_index = 0;
        return take(1).front();
    }();
    arch::host_cpu_index = 1;
    free_frame(foreign, Contents::zero);
    EXPECT_EQ(in_second(take(20, Zero::yes)), 20U);
}

TEST_F(Nodes, agree_with_what_is_taken_under_random_use) {
    std::mt19937 random(5);
    std::vector<PhysAddr> taken;
    for (int step = 0; step < 60'000; ++step) {
        arch::host_cpu_index = random() % 3;
        // Now and then nearly everything is in use.
        bool const grows = step / 12'000 % 2 == 0;
        if (taken.empty() || (random() % 8 != 0) == grows) {
            if (auto const frame = allocate_frame(FrameKind::user, random() % 2 != 0 ? Zero::yes : Zero::no); frame)
                taken.push_back(*frame);
        } else {
            std::swap(taken[random() % taken.size()], taken.back());
            free_frame(taken.back());
            taken.pop_back();
        }
    }
    drain_all();
    auto const far = in_second(taken);
    EXPECT_EQ(count_frames().free, before_.free - taken.size());
    EXPECT_EQ(count_node(0).free + count_node(1).free, before_.free - taken.size());
    std::ranges::sort(taken);
    EXPECT_TRUE(std::ranges::adjacent_find(taken) == taken.end());
    for (auto const frame : taken)
        free_frame(frame);
    drain_all();
    EXPECT_EQ(count_node(0).free + count_node(1).free, before_.free);
    EXPECT_GT(far, 0U);
}

TEST_F(Nodes, serve_devices_from_wherever_low_memory_is) {
    arch::host_cpu_index = 1;
    while (allocate_contiguous(256, FrameKind::contiguous, Zero::no, true)) {
    }
    EXPECT_LT(count_node(0).free, 512U);
    EXPECT_LT(count_node(1).free, 512U);
}

}  // namespace
}  // namespace astrata::kernel::mem
