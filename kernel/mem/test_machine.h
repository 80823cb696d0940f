// A machine for host tests: an arena that plays physical memory, and a memory map over it.
#pragma once

#include <cstdlib>
#include <memory>

#include "arch/direct_map.h"
#include "arch/memory_check.h"
#include "kernel/boot/boot_info.h"
#include "kernel/mem/account.h"
#include "kernel/mem/boot_ranges.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/heap.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel {

class TestMachine {
public:
    static constexpr PhysAddr start{0x10'0000};

    /// `bytes` of memory from the first MiB on.
    explicit TestMachine(std::uint64_t bytes) : bytes_(bytes), arena_(std::aligned_alloc(page_size, bytes)) {
        arch::host_memory = static_cast<std::byte*>(arena_);
        arch::host_memory_start = start;
        info.range_storage[0] = {.start = start, .length = bytes, .kind = MemoryKind::usable};
        info.range_count = 1;
    }
    ~TestMachine() {
        arch::note_memory_used(arena_, bytes_);
        std::free(arena_);
    }
    TestMachine(TestMachine const&) = delete;
    TestMachine& operator=(TestMachine const&) = delete;

    /// Frames and heap, without page tables.
    Result<> initialize_allocators() {
        mem::BootRanges ranges(info, PhysAddr{std::uint64_t{1} << 40});
        mem::reset_heap();
        Account::reset_all();
        return mem::initialize_frames(ranges);
    }
    /// All of memory management.
    Result<> initialize() {
        mem::reset_heap();
        Account::reset_all();
        return mem::initialize(info);
    }

    BootInfo info;

private:
    std::uint64_t bytes_;
    void* arena_;
};

}  // namespace astrata::kernel
