// From the entry code to kernel_main: the first C++ to run, on the early page tables.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "arch/image.h"
#include "kernel/arch/aarch64/boot/boot_cpu.h"
#include "kernel/arch/aarch64/console_window.h"
#include "kernel/arch/aarch64/machine.h"
#include "kernel/boot/main.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/mem/placement.h"
#include "kernel/trap/panic.h"
#include "lib/boot_options/boot_options.h"
#include "lib/crypto/chacha20.h"
#include "lib/paging/aarch64.h"

extern "C" {
using Constructor = void (*)();
extern Constructor const __init_array_start[];
extern Constructor const __init_array_end[];
extern std::byte const __relocations_start[];
extern std::byte __image_start[];
extern std::uint64_t __stack_chk_guard;  // trap/panic.cc
/// The early tables' two directories for the top 2 GiB, where the image is, and what shows the first 4 GiB of memory.
extern std::uint64_t boot_image_directories[1024];
extern std::uint64_t boot_pointers_direct[512];
}

namespace astrata::kernel::arch {

namespace {

constinit PerCpu boot_cpu;
constinit BootInfo boot_info;
alignas(16) constinit std::array<std::byte, 8192> early_emergency_stack{};
constinit bool is_devicetree_known = false;
constinit std::uint64_t canary = 0;

// So many large pages hold the image; entry.S maps them where it was linked.
constexpr std::uint64_t early_image_pages = 16;
constexpr std::uint64_t early_gigabytes = 4;

crypto::ChaChaKey early_key() {
    crypto::ChaChaKey key{};
    for (auto const given : machine.seed) {
        std::uint64_t value = 0;
        (void)read_hardware_random(value);
        value ^= given;
        auto const time = timestamp();
        auto const block =
            crypto::chacha20_block(key, static_cast<std::uint32_t>(value),
                                   {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(time),
                                    static_cast<std::uint32_t>(time >> 32)});
        std::copy_n(block.begin(), key.size(), key.begin());
    }
    return key;
}

// The entry code took everything but itself and the devicetree for devices, which nothing is guessed of.
void show_memory(BootInfo const& info) {
    std::span const gigabytes(boot_pointers_direct);
    for (auto const& range : info.ranges()) {
        if (range.kind != MemoryKind::usable)
            continue;
        auto const end = std::min(range.start.value + range.length, early_gigabytes << 30);
        for (auto at = range.start.value >> 30; at << 30 < end; ++at)
            gigabytes[at] = paging::Aarch64::leaf({at << 30}, {.write = true, .global = true}, 2);
    }
    asm volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb nsh\n\tisb" ::: "memory");
}

// The table that tools/astrata/kernel_relocations.py writes: a count, and so many words that say how far from the
// image's start an address of eight bytes lies that is stored there, doubled, plus one. All else is relative here.
std::span<std::uint32_t const> relocations() {
#pragma clang unsafe_buffer_usage begin
    auto const* words = reinterpret_cast<std::uint32_t const*>(__relocations_start);
    return std::span(words + 1, *words);
#pragma clang unsafe_buffer_usage end
}
void relocate(std::uint64_t slide) {
#pragma clang unsafe_buffer_usage begin
    for (auto const site : relocations()) {
        auto* const place = static_cast<std::byte*>(__image_start) + (site >> 1);
        std::uint64_t address;
        std::memcpy(&address, place, sizeof(address));
        address += slide;
        std::memcpy(place, &address, sizeof(address));
    }
#pragma clang unsafe_buffer_usage end
}

}  // namespace

}  // namespace astrata::kernel::arch

// Before anything else: chooses where the kernel half's parts lie, and has the image know its place. Runs where the
// image was linked, while both places show it; returns to entry.S, which goes on in the new one.
extern "C" void boot_place(std::uint64_t devicetree, std::uint64_t loaded_at) {
    using namespace astrata;
    using namespace astrata::kernel;
    arch::detect_features();
    auto& info = arch::boot_info;
    layout::image_load = {loaded_at};
    layout::image = {layout::image_region.value - loaded_at};
    arch::is_devicetree_known = arch::read_machine({devicetree}, info);
    arch::show_memory(info);
    if (arch::machine.console.value != 0)
        arch::open_console_window(arch::machine.console);
    auto const sections = arch::image_sections();
    info.kernel_start = {loaded_at};
    info.kernel_length = sections.data_end - sections.text_start;
    auto const key = arch::early_key();
    auto const own_block = crypto::chacha20_block(key, 1, {});
    // A string that is copied too far cannot get past a byte that is 0.
    arch::canary = (std::uint64_t{own_block[0]} << 32 | own_block[1]) & ~std::uint64_t{0xff};
    if (!arch::is_devicetree_known || arch::relocations().empty() || boot_option(info.command_line(), "nokaslr"))
        return;
    info.placement = choose_placement(key, sections.data_end - layout::image_region);
    layout::image = {info.placement.image.value - loaded_at};
    auto const slide = layout::image_slide();
    std::span const directories(boot_image_directories);
    // From the last on: the two places may overlap.
    for (auto page = arch::early_image_pages; page-- > 0;) {
        if (auto const entry = slide / huge_page_size + page; entry < directories.size())
            directories[entry] = directories[page];
    }
    asm volatile("dsb ishst\n\tisb" ::: "memory");
    arch::relocate(slide);
}

// Never returns, so that the canary may change below it.
extern "C" [[noreturn, gnu::no_stack_protector]] void boot_start() {
    using namespace astrata;
    using namespace astrata::kernel;
    __stack_chk_guard = arch::canary;
    // What still refers to where the image was linked shall fault rather than work by luck.
    std::span const directories(boot_image_directories);
    for (std::uint64_t page = 0; page < std::min(arch::early_image_pages, layout::image_slide() / huge_page_size);
         ++page)
        directories[page] = 0;
    asm volatile("dsb ishst\n\ttlbi vmalle1\n\tic iallu\n\tdsb nsh\n\tisb" ::: "memory");
#pragma clang unsafe_buffer_usage begin  // the linker's list of constructors
    for (auto const* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
        (*constructor)();
#pragma clang unsafe_buffer_usage end
    auto& cpu = arch::boot_cpu;
    cpu.self = &cpu;
    cpu.affinity = ASTRATA_READ_REGISTER("mpidr_el1") & arch::affinity_mask;
    cpu.hardware_id = static_cast<std::uint32_t>(cpu.affinity);
    cpu.emergency_stack =
        reinterpret_cast<std::uint64_t>(arch::early_emergency_stack.data()) + arch::early_emergency_stack.size();
    cpu.active_root = ASTRATA_READ_REGISTER("ttbr0_el1");
    arch::set_this_cpu(cpu);
    arch::register_boot_cpu(cpu);
    arch::enable_features();
    choose_fast_path(false);
    if (!arch::is_devicetree_known)
        panic("the boot loader gave no devicetree");
    kernel_main(arch::boot_info);
}
