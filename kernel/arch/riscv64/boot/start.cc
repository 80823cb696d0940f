// From the entry code to kernel_main: the first C++ to run, on the early page tables.
#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "arch/cpu.h"
#include "arch/hardware_random.h"
#include "arch/image.h"
#include "kernel/arch/riscv64/boot/boot_cpu.h"
#include "kernel/arch/riscv64/machine.h"
#include "kernel/boot/main.h"
#include "kernel/ipc/fast_path.h"
#include "kernel/mem/placement.h"
#include "kernel/trap/panic.h"
#include "lib/boot_options/boot_options.h"
#include "lib/crypto/chacha20.h"

extern "C" {
using Constructor = void (*)();
extern Constructor const __init_array_start[];
extern Constructor const __init_array_end[];
extern std::byte const __relocations_start[];
extern std::byte __image_start[];
extern std::uint64_t __stack_chk_guard;  // trap/panic.cc
/// The early tables' two directories for the top 2 GiB, where the image is.
extern std::uint64_t boot_image_directories[1024];
extern std::byte boot_root[];
}

namespace astrata::kernel::arch {

namespace {

constinit PerCpu boot_cpu;
constinit BootInfo boot_info;
alignas(16) constinit std::array<std::byte, 4096> early_emergency_stack{};
constinit bool is_devicetree_known = false;
constinit std::uint64_t canary = 0;

// So many large pages hold the image; entry.S maps them where it was linked.
constexpr std::uint64_t early_image_pages = 16;

crypto::ChaChaKey early_key() {
    crypto::ChaChaKey key{};
    for (std::uint32_t round = 0; round < 4; ++round) {
        std::uint64_t value = 0;
        (void)read_hardware_random(value);
        auto const time = read_csr<Csr::cycle>();
        auto const block =
            crypto::chacha20_block(key, static_cast<std::uint32_t>(value),
                                   {static_cast<std::uint32_t>(value >> 32), static_cast<std::uint32_t>(time),
                                    static_cast<std::uint32_t>(time >> 32)});
        std::copy_n(block.begin(), key.size(), key.begin());
    }
    return key;
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
extern "C" void boot_place(std::uint64_t hart, std::uint64_t devicetree, std::uint64_t loaded_at) {
    using namespace astrata;
    using namespace astrata::kernel;
    auto& info = arch::boot_info;
    layout::image_load = {loaded_at};
    layout::image = {layout::image_region.value - loaded_at};
    arch::machine.boot_hart = static_cast<std::uint32_t>(hart);
    arch::is_devicetree_known = arch::read_machine({devicetree}, info).has_value();
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
    asm volatile("sfence.vma" ::: "memory");
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
    asm volatile("sfence.vma\n\tfence.i" ::: "memory");
#pragma clang unsafe_buffer_usage begin  // the linker's list of constructors
    for (auto const* constructor = __init_array_start; constructor != __init_array_end; ++constructor)
        (*constructor)();
#pragma clang unsafe_buffer_usage end
    auto& cpu = arch::boot_cpu;
    cpu.hardware_id = arch::machine.boot_hart;
    cpu.emergency_stack =
        reinterpret_cast<std::uint64_t>(arch::early_emergency_stack.data()) + arch::early_emergency_stack.size();
    cpu.active_root = reinterpret_cast<std::uint64_t>(boot_root) - layout::image.value;
    arch::set_up_this_cpu(cpu);
    arch::register_boot_cpu(cpu);
    if (!arch::is_devicetree_known || arch::machine.counter_hz == 0)
        panic("the boot loader gave no devicetree that says what is needed");
    choose_fast_path(false);
    kernel_main(arch::boot_info);
}
