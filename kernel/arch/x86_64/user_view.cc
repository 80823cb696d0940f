#include "kernel/arch/x86_64/user_view.h"

#include "arch/paging.h"
#include "arch/user_view.h"
#include "kernel/arch/x86_64/descriptor_tables.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/table_pages.h"

extern "C" {
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
