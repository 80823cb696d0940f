// From the entry code to kernel_main: the first C++ to run, on the early page tables.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "arch/image.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/arch/x86_64/boot/boot_cpu.h"
#include "kernel/arch/x86_64/boot/doors.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/arch/x86_64/features.h"
#include "kernel/boot/main.h"
#include "kernel/log/print.h"
#include "kernel/mem/placement.h"
#include "kernel/trap/panic.h"
#include "lib/boot_options/boot_options.h"
#include "lib/crypto/chacha20.h"

extern "C" {
using Constructor = void (*)();
extern Constructor const __init_array_start[];
extern Constructor const __init_array_end[];
}

namespace astrata::kernel::arch {

namespace {

constinit CpuBlock boot_block;
constinit PerCpu& boot_cpu = boot_block.cpu;
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

extern "C" {
extern std::byte const __relocations_start[];
extern std::byte __image_start[];
extern std::uint64_t __stack_chk_guard;   // trap/panic.cc
/// The early tables' two directories for the top 2 GiB, where the image is.
extern std::uint64_t boot_image_directories[1024];
}

namespace astrata::kernel::arch {

namespace {

constinit bool is_door_known = false;
constinit std::uint64_t canary = 0;

crypto::ChaChaKey early_key() {
    crypto::ChaChaKey key{};
    for (std::uint32_t round = 0; round < 4; ++round) {
        std::uint64_t value = 0;
        (void)read_hardware_random(value);
        auto const time = timestamp();
        auto const block = crypto::chacha20_block(
            key, static_cast<std::uint32_t>(value), {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(time), static_cast<std::uint32_t>(time >> 32)});
        std::copy_n(block.begin(), key.size(), key.begin());
    }
    return key;
}

// The table that tools/astrata/kernel_relocations.py writes: a count, and so many words that say how far from the image's start an address
// lies that is stored there, doubled, and one more if it has eight bytes rather than four.
void relocate(std::uint64_t slide) {
#pragma clang unsafe_buffer_usage begin
    auto const* words = reinterpret_cast<std::uint32_t const*>(__relocations_start);
    std::span const sites(words + 1, *words);
    auto* const image = static_cast<std::byte*>(__image_start);
    for (auto const site : sites) {
        auto* const place = image + (site >> 1);
        if ((site & 1) != 0) {
            std::uint64_t address;
            std::memcpy(&address, place, sizeof(address));
            address += slide;
            std::memcpy(place, &address, sizeof(address));
        } else {
            std::uint32_t address;
            std::memcpy(&address, place, sizeof(address));
            address += static_cast<std::uint32_t>(slide);
            std::memcpy(place, &address, sizeof(address));
        }
    }
#pragma clang unsafe_buffer_usage end
}

// So many large pages hold the image; entry.S maps them where it was linked.
constexpr std::uint64_t early_image_pages = 16;
constexpr std::uint64_t large_writable = 0x83;

}  // namespace

}  // namespace astrata::kernel::arch

// Before anything else: chooses where the kernel half's parts lie, and has the image know its place. Runs where the image was linked,
// while both places show it; returns to entry.S, which goes on in the new one.
extern "C" void boot_place(std::uint64_t magic, std::uint64_t address) {
    using namespace astrata;
    using namespace astrata::kernel;
    arch::detect_features();
    auto& info = arch::boot_info;
    arch::is_door_known = magic == arch::multiboot2_magic ? arch::read_multiboot2({address}, info) : arch::read_pvh({address}, info);
    auto const sections = arch::image_sections();
    info.kernel_start = {sections.text_start.value - layout::image.value};
    info.kernel_length = sections.data_end - sections.text_start;
    auto const key = arch::early_key();
    auto const own_block = crypto::chacha20_block(key, 1, {});
    // A string that is copied too far cannot get past a byte that is 0.
    arch::canary = (std::uint64_t{own_block[0]} << 32 | own_block[1]) & ~std::uint64_t{0xff};
    if (!arch::is_door_known || boot_option(info.command_line(), "nokaslr"))
        return;
    info.placement = choose_placement(key, sections.data_end - layout::image);
    layout::image = info.placement.image;
    auto const slide = layout::image_slide();
    std::span const directories(boot_image_directories);
    for (std::uint64_t page = 0; page < arch::early_image_pages; ++page) {
        if (auto const entry = slide / huge_page_size + page; entry < directories.size())
            directories[entry] = page * huge_page_size | arch::large_writable;
    }
    arch::relocate(slide);
}

// Never returns, so that the canary may change below it.
extern "C" [[noreturn, gnu::no_stack_protector]] void boot_start() {
    using namespace astrata;
    using namespace astrata::kernel;
    __stack_chk_guard = arch::canary;
    // What still refers to where the image was linked shall fault rather than work by luck.
    std::span const directories(boot_image_directories);
    for (std::uint64_t page = 0; page < std::min(arch::early_image_pages, layout::image_slide() / huge_page_size); ++page)
        directories[page] = 0;
    arch::write_cr3(arch::read_cr3());
#pragma clang unsafe_buffer_usage begin   // the linker's list of constructors
    for (auto const* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
        (*constructor)();
#pragma clang unsafe_buffer_usage end
    arch::set_up_boot_cpu();
    arch::choose_protections(arch::boot_info.command_line());
    arch::enable_features();
    choose_fast_path(false);
    if (!arch::is_door_known)
        panic("not started by a PVH or Multiboot2 boot loader");
    kernel_main(arch::boot_info);
}
