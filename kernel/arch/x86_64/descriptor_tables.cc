#include "arch/cpu.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"

#include <span>

extern "C" std::uint64_t const trap_stubs[256];

namespace astrata::kernel::arch {

namespace {

struct Gate {
    std::uint16_t offset_low;
    std::uint16_t selector;
    std::uint8_t interrupt_stack;
    std::uint8_t type;
    std::uint16_t offset_middle;
    std::uint32_t offset_high;
    std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

struct TablePointer {
    std::uint16_t limit;
    std::uint64_t base;
} __attribute__((packed));

alignas(4096) std::array<Gate, 256> interrupt_table{};   // the same for all CPUs
bool is_interrupt_table_built = false;

constexpr std::uint8_t interrupt_gate = 0x8e;   // present, ring 0, 64-bit interrupt gate: interrupts off on entry
constexpr std::size_t breakpoint_vector = 3, overflow_vector = 4;
constexpr std::uint8_t user_gate = 0xee;        // the same, and programs may enter it by an instruction of their own: int3, into

InterruptStack stack_for(std::size_t vector) {
    switch (vector) {
    case 2: return InterruptStack::nmi;
    case 8: return InterruptStack::double_fault;
    case 18: return InterruptStack::machine_check;
    default: return InterruptStack::none;
    }
}

void build_interrupt_table() {
    std::span const stubs(trap_stubs);
    for (std::size_t vector = 0; vector < interrupt_table.size(); ++vector) {
        auto const address = stubs[vector];
        interrupt_table[vector] = {
            .offset_low = static_cast<std::uint16_t>(address),
            .selector = kernel_code_selector,
            .interrupt_stack = static_cast<std::uint8_t>(stack_for(vector)),
            .type = vector == breakpoint_vector || vector == overflow_vector ? user_gate : interrupt_gate,
            .offset_middle = static_cast<std::uint16_t>(address >> 16),
            .offset_high = static_cast<std::uint32_t>(address >> 32),
            .reserved = 0,
        };
    }
    is_interrupt_table_built = true;
}

}  // namespace

EntryPage& entry_page_of(PerCpu& cpu) {
#pragma clang unsafe_buffer_usage begin   // every PerCpu is part of a CpuBlock
    return *(reinterpret_cast<EntryPage*>(&cpu) - 1);
#pragma clang unsafe_buffer_usage end
}

std::span<std::byte const> interrupt_table_bytes() {
    return std::as_bytes(std::span(interrupt_table));
}

void load_descriptor_tables(PerCpu& cpu, CpuTables& own_tables, std::array<std::uint64_t, 3> const& stack_tops) {
    if (!is_interrupt_table_built)
        build_interrupt_table();
    cpu.tables = &own_tables;
    auto& entry = entry_page_of(cpu);
    auto& tables = features.isolates_page_tables ? entry.tables : own_tables;
    if (features.isolates_page_tables) {
        entry.tables.task.stacks[0] = reinterpret_cast<std::uint64_t>(&cpu);
        entry.frame_address = reinterpret_cast<std::uint64_t>(&cpu) - 5 * sizeof(std::uint64_t);
    }

    for (std::size_t i = 0; i < stack_tops.size(); ++i) {
        // The word that trap_paranoid finds above its frame. The stack pointer stays 16-byte aligned at the first push.
        auto const top = stack_tops[i] - 16;
        *reinterpret_cast<std::uint64_t*>(top) = reinterpret_cast<std::uint64_t>(&cpu);
        tables.task.interrupt_stacks[i] = top;
    }

    auto const base = reinterpret_cast<std::uint64_t>(&tables.task);
    tables.gdt = {
        0,
        0x00af'9b00'0000'ffff,   // kernel code
        0x00cf'9300'0000'ffff,   // kernel data
        0x00cf'f300'0000'ffff,   // user data
        0x00af'fb00'0000'ffff,   // user code
        // Available 64-bit TSS, in two entries.
        0x0000'8900'0000'0000 | (sizeof(TaskState) - 1) | (base & 0xff'ffff) << 16 | (base >> 24 & 0xff) << 56,
        base >> 32,
    };

    TablePointer const gdt_pointer{sizeof(tables.gdt) - 1, reinterpret_cast<std::uint64_t>(tables.gdt.data())};
    TablePointer const idt_pointer{sizeof(interrupt_table) - 1, reinterpret_cast<std::uint64_t>(interrupt_table.data())};
    asm volatile("lgdt %0\n\t"
                 "pushq %2\n\t"
                 "leaq 1f(%%rip), %%rax\n\t"
                 "pushq %%rax\n\t"
                 "lretq\n"
                 "1:\n\t"
                 "movl %3, %%eax\n\t"
                 "movl %%eax, %%ds\n\t"
                 "movl %%eax, %%es\n\t"
                 "movl %%eax, %%ss\n\t"
                 "lidt %1\n\t"
                 "ltr %w4" ::"m"(gdt_pointer),
                 "m"(idt_pointer), "i"(kernel_code_selector), "i"(kernel_data_selector), "r"(task_selector)
                 : "rax", "memory");
}

}  // namespace astrata::kernel::arch
