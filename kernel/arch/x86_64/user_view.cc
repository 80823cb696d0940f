#include "kernel/arch/x86_64/user_view.h"

#include <cstring>
#include <span>

#include "arch/paging.h"
#include "arch/user_view.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/table_pages.h"

namespace {

struct Patch {
    std::byte* site;
    std::byte const* target;
};

}  // namespace

extern "C" {
extern Patch const __isolation_start[];
extern Patch const __isolation_end[];
extern std::byte const __entry_text_start[];
extern std::byte const __entry_text_end[];
}

namespace astrata::kernel::arch {

namespace {

constinit PhysAddr view_root;

VirtAddr address_of(void const* place) {
    return {reinterpret_cast<std::uint64_t>(place)};
}

}  // namespace

PhysAddr user_view_root() {
    return view_root;
}

void switch_isolation_on() {
    constexpr std::byte jump{0xe9};
    constexpr std::ptrdiff_t jump_bytes = 5;
#pragma clang unsafe_buffer_usage begin   // the linker's list of places in the entry code
    for (auto const& patch : std::span(__isolation_start, __isolation_end)) {
        auto const distance = static_cast<std::int32_t>(patch.target - (patch.site + jump_bytes));
        *patch.site = jump;
        std::memcpy(patch.site + 1, &distance, sizeof(distance));
    }
#pragma clang unsafe_buffer_usage end
}

Result<> show_in_user_view(VirtAddr start, std::uint64_t length, paging::Attributes attributes) {
    mem::KernelTablePages pages;
    paging::PageTables<PageFormat, mem::KernelTablePages> tables(view_root, pages);
    for (auto page = start; page < start + length; page += page_size)
        TRY(tables.map(page, page_size, mem::query_kernel(page).value(), attributes));
    return {};
}

Result<> prepare_user_view() {
    view_root = TRY(mem::KernelTablePages::allocate());
    auto const code = address_of(__entry_text_start);
    TRY(show_in_user_view(code, address_of(__entry_text_end) - code, {.execute = true}));
    auto const table = interrupt_table_bytes();
    return show_in_user_view(address_of(table.data()), table.size(), {});
}

}  // namespace astrata::kernel::arch
