// From the entry code to kernel_main: the first C++ to run, on the early page tables.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/image.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/arch/x86_64/boot/boot_cpu.h"
#include "kernel/arch/x86_64/boot/doors.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/boot/main.h"
#include "kernel/log/print.h"
#include "kernel/trap/panic.h"

extern "C" {
using Constructor = void (*)();
extern Constructor const __init_array_start[];
extern Constructor const __init_array_end[];
}

namespace astrata::kernel::arch {

namespace {

constinit PerCpu boot_cpu;
constinit CpuTables boot_tables;
constinit BootInfo boot_info;
alignas(16) constinit std::array<std::array<std::byte, 4096>, 3> early_interrupt_stacks{};

MemoryKind kind_of_range(std::uint32_t type) {
    switch (type) {
    case 1: return MemoryKind::usable;
    case 3: return MemoryKind::acpi_reclaimable;
    case 4: return MemoryKind::acpi_nvs;
    case 5: return MemoryKind::bad;
    default: return MemoryKind::reserved;
    }
}

void set_up_boot_cpu() {
    boot_cpu.self = &boot_cpu;
    std::array<std::uint64_t, 3> tops{};
    for (std::size_t i = 0; i < tops.size(); ++i)
        tops[i] = reinterpret_cast<std::uint64_t>(early_interrupt_stacks[i].data()) + early_interrupt_stacks[i].size();
    load_descriptor_tables(boot_cpu, boot_tables, tops);
    set_this_cpu(boot_cpu);
    boot_cpu.active_root = read_cr3();
    register_boot_cpu(boot_cpu);
}

}  // namespace

void add_memory_range(PhysAddr start, std::uint64_t length, std::uint32_t type, BootInfo& info) {
    if (info.range_count == info.range_storage.size() || length == 0)
        return;
    info.range_storage[info.range_count++] = {.start = start, .length = length, .kind = kind_of_range(type)};
}

void copy_command_line(PhysAddr text, BootInfo& info) {
    for (info.command_line_length = 0; info.command_line_length < info.command_line_storage.size(); ++info.command_line_length) {
        auto const character = load_early<char>(text + info.command_line_length);
        if (character == 0)
            return;
        info.command_line_storage[info.command_line_length] = character;
    }
}

}  // namespace astrata::kernel::arch

extern "C" [[noreturn]] void boot_start(std::uint64_t magic, std::uint64_t address) {
    using namespace astrata;
    using namespace astrata::kernel;
#pragma clang unsafe_buffer_usage begin   // the linker's list of constructors
    for (auto const* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
        (*constructor)();
#pragma clang unsafe_buffer_usage end
    arch::set_up_boot_cpu();
    arch::detect_features();
    arch::enable_features();
    choose_fast_path(false);

    auto& info = arch::boot_info;
    bool const is_known = magic == arch::multiboot2_magic ? arch::read_multiboot2({address}, info) : arch::read_pvh({address}, info);
    if (!is_known)
        panic("not started by a PVH or Multiboot2 boot loader");
    auto const sections = arch::image_sections();
    info.kernel_start = {sections.text_start.value - layout::image.value};
    info.kernel_length = sections.data_end - sections.text_start;
    kernel_main(info);
}
