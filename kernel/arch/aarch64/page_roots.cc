// The root registers, and what is in every kernel root.
#include <span>

#include "arch/direct_map.h"
#include "arch/paging.h"
#include "kernel/arch/aarch64/console_window.h"
#include "kernel/mem/layout.h"

extern "C" astrata::paging::Entry boot_console_directory[astrata::paging::entries_per_table];  // boot/entry.S

namespace astrata::kernel::arch {

namespace {

constexpr int root_level = PageFormat::levels - 1;

#pragma clang unsafe_buffer_usage begin  // a table is a page of entries by the machine's definition
paging::Entry& entry_at(PhysAddr table, VirtAddr address, int level) {
    return reinterpret_cast<paging::Entry*>(phys_to_virt(table))[paging::index_at(address, level)];
}
#pragma clang unsafe_buffer_usage end

}  // namespace

void open_console_window(PhysAddr registers) {
    std::span const directory(boot_console_directory);
    directory[0] = PageFormat::leaf({align_down(registers.value, huge_page_size)},
                                    {.write = true, .global = true, .uncached = true}, 1);
    asm volatile("dsb ishst\n\tisb" ::: "memory");
}

// The image is in the same slot, so that there is a table.
void keep_console_window(PhysAddr root) {
    auto const table = PageFormat::address(entry_at(root, console_window, root_level), root_level);
    PhysAddr const directory{reinterpret_cast<std::uint64_t>(boot_console_directory) - layout::image.value};
    entry_at(table, console_window, root_level - 1) = PageFormat::table(directory);
}

void load_root(PhysAddr root) {
    keep_console_window(root);
    asm volatile("dsb ishst\n\t"
                 "msr ttbr0_el1, %0\n\t"
                 "msr ttbr1_el1, %1\n\t"
                 "isb\n\t"
                 "tlbi vmalle1\n\t"
                 "dsb nsh\n\t"
                 "isb" ::"r"(root.value),
                 "r"(root.value + page_size / 2)
                 : "memory");
}

}  // namespace astrata::kernel::arch
