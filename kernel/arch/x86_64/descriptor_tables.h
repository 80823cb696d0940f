// GDT, TSS and IDT (Intel SDM volume 3, sections 3.4.5, 6.14, 7.7), one set for each CPU.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "arch/per_cpu.h"
#include "lib/base/result.h"

namespace astrata::kernel::arch {

// The order of user segments is dictated by sysret: data, then code.
inline constexpr std::uint16_t kernel_code_selector = 0x08;
inline constexpr std::uint16_t kernel_data_selector = 0x10;
inline constexpr std::uint16_t user_data_selector = 0x18 | 3;
inline constexpr std::uint16_t user_code_selector = 0x20 | 3;
inline constexpr std::uint16_t task_selector = 0x28;

struct TaskState {
    std::uint32_t reserved0 = 0;
    std::array<std::uint64_t, 3> stacks{};  // RSP0-2: kernel stack for traps from user mode
    std::uint64_t reserved1 = 0;
    std::array<std::uint64_t, 7> interrupt_stacks{};  // IST1-7
    std::uint64_t reserved2 = 0;
    std::uint16_t reserved3 = 0;
    std::uint16_t io_map_offset = sizeof(TaskState);  // no I/O bitmap: ports are reached by system call only
} __attribute__((packed));
static_assert(sizeof(TaskState) == 104);

/// Stacks for the exceptions that cannot trust the current one. Each has an unmapped page below it and the address of
/// the CPU's data above it.
enum class InterruptStack : std::uint8_t { none = 0, double_fault = 1, nmi = 2, machine_check = 3 };

struct CpuTables {
    std::array<std::uint64_t, 7> gdt{};
    alignas(16) TaskState task{};
};

/// What user mode's page tables show of a CPU where they are isolated (isolated_entry.S): the tables that the processor
/// itself reads, and from its end downwards the stack for traps from user mode, which holds no more than the
/// processor's frame.
struct alignas(4096) EntryPage {
    std::uint64_t kernel_root = 0;  // when user mode was last entered
    std::uint64_t scratch = 0;
    std::uint64_t frame_address = 0;  // of that frame
    CpuTables tables;
};
static_assert(offsetof(EntryPage, scratch) == 8 && offsetof(EntryPage, frame_address) == 16);
static_assert(sizeof(EntryPage) == 4096 && offsetof(CpuTables, task) + offsetof(TaskState, stacks) == 68);

/// A CPU's data is reached through GS, and so is the page below it.
struct CpuBlock {
    EntryPage entry;
    PerCpu cpu;
};
static_assert(offsetof(CpuBlock, cpu) == sizeof(EntryPage));
EntryPage& entry_page_of(PerCpu& cpu);

/// The same for all CPUs; whole pages.
std::span<std::byte const> interrupt_table_bytes();

/// Builds and loads this CPU's tables. `stack_tops` are the tops of the three interrupt stacks, in InterruptStack
/// order.
void load_descriptor_tables(PerCpu& cpu, CpuTables& tables, std::array<std::uint64_t, 3> const& stack_tops);

}  // namespace astrata::kernel::arch
