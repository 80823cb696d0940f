#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "sdk/heap_core.h"

namespace astrata::sdk {
namespace {

class HostMemory final : public PageSource {
public:
    std::map<std::uintptr_t, std::size_t> mapped;
    std::size_t limit = 1ull << 30;
    std::size_t total = 0;
    std::size_t commit_limit = ~std::size_t{0};
    std::size_t committed = 0;

    std::uintptr_t map(std::size_t bytes) override {
        if (total + bytes > limit)
            return 0;
        auto const address = reinterpret_cast<std::uintptr_t>(std::aligned_alloc(HeapCore::span_bytes, bytes));
        std::memset(reinterpret_cast<void*>(address), 0, bytes);
        mapped[address] = bytes;
        total += bytes;
        return address;
    }
    void unmap(std::uintptr_t address, std::size_t bytes) override {
        EXPECT_EQ(mapped.at(address), bytes);
        mapped.erase(address);
        total -= bytes;
        std::free(reinterpret_cast<void*>(address));
    }
    bool commit(std::uintptr_t, std::size_t bytes) override {
        if (committed + bytes > commit_limit)
            return false;
        committed += bytes;
        return true;
    }
    void discard(std::uintptr_t address, std::size_t bytes) override {
        std::memset(reinterpret_cast<void*>(address), 0, bytes);
    }
    ~HostMemory() override {
        for (auto const& [address, bytes] : mapped)
            std::free(reinterpret_cast<void*>(address));
    }
};

TEST(Heap, objects_do_not_overlap_and_keep_their_contents) {
    HostMemory memory;
    HeapCore heap(memory);
    std::mt19937 random(1);
    struct Object {
        unsigned char* bytes;
        std::size_t size;
        unsigned char fill;
        [[nodiscard]] bool is_intact() const {
#pragma clang unsafe_buffer_usage begin  // as allocated
            return std::ranges::all_of(std::span(bytes, size), [this](auto byte) { return byte == fill; });
#pragma clang unsafe_buffer_usage end
        }
    };
    std::vector<Object> live;
    for (int step = 0; step != 30000; ++step) {
        if (live.size() < 500 && random() % 2 == 0) {
            auto const size = random() % 50 == 0 ? random() % 300000 : 1 + random() % 3000;
            auto const alignment = std::size_t{1} << random() % 13;
            auto* const bytes = static_cast<unsigned char*>(heap.allocate(size, alignment));
            ASSERT_NE(bytes, nullptr);
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(bytes) % alignment, 0u);
            auto const fill = static_cast<unsigned char>(random());
            std::memset(bytes, fill, size);
            live.push_back({bytes, size, fill});
        } else if (!live.empty()) {
            auto const position = random() % live.size();
            auto const object = live[position];
            ASSERT_TRUE(object.is_intact());
            heap.release(object.bytes);
            live[position] = live.back();
            live.pop_back();
        }
    }
    for (auto const& object : live)
        heap.release(object.bytes);
    EXPECT_EQ(heap.allocated_bytes(), 0u);
    EXPECT_EQ(heap.mapped_bytes(), memory.total);
}

TEST(Heap, runs_out_without_harm) {
    HostMemory memory;
    memory.limit = 2 << 20;
    HeapCore heap(memory);
    EXPECT_EQ(heap.allocate(4 << 20, 16), nullptr);
    EXPECT_EQ(heap.allocate(~std::size_t{0} - 10, 16), nullptr);
    std::vector<void*> objects;
    while (void* const object = heap.allocate(1000, 16))
        objects.push_back(object);
    EXPECT_GT(objects.size(), 1900u);
    for (void* const object : objects)
        heap.release(object);
    EXPECT_NE(heap.allocate(1000, 16), nullptr);
    heap.release(nullptr);
}

// Near the end of memory pages are mapped but not to be had: that is an error, except for who cannot take one.
TEST(Heap, refuses_what_cannot_be_committed) {
    HostMemory memory;
    HeapCore heap(memory);
    void* const before = heap.allocate(100, 16);
    memory.commit_limit = memory.committed + (64 << 10);
    EXPECT_EQ(heap.allocate(1 << 20, 16), nullptr);
    EXPECT_EQ(memory.total, HeapCore::arena_bytes);
    std::size_t count = 0;
    while (heap.allocate(4000, 16) != nullptr)
        ++count;
    EXPECT_GT(count, 16u);
    EXPECT_LT(count, 1000u);
    EXPECT_NE(heap.allocate(4000, 16, Need::must_have), nullptr);
    EXPECT_NE(heap.allocate(1 << 20, 16, Need::must_have), nullptr);
    heap.release(before);
}

TEST(Heap, uses_freed_memory_again) {
    HostMemory memory;
    HeapCore heap(memory);
    for (int round = 0; round != 1000; ++round) {
        void* const large = heap.allocate(200000, 16);
        void* const small = heap.allocate(100, 16);
        heap.release(large);
        heap.release(small);
    }
    EXPECT_LT(memory.total, 4u << 20);
}

}  // namespace
}  // namespace astrata::sdk
