#include "kernel/mem/audit.h"

#include <array>

#include "arch/paging.h"
#include "kernel/mem/frames.h"
#include "kernel/mem/table_pages.h"

namespace astrata::kernel::mem {

namespace {

using arch::PageFormat;
constexpr int root_level = PageFormat::levels - 1;

// What an upper table does not permit, a lower one cannot.
paging::Attributes narrowed(paging::Attributes above, paging::Attributes own) {
    own.write = own.write && above.write;
    own.execute = own.execute && above.execute;
    own.user = own.user && above.user;
    return own;
}

// Pages that only Bedrock may write.
bool is_kernel_memory(PhysAddr page) {
    if (!has_frame(page))
        return false;
    switch (frame_of(page).kind) {
    case FrameKind::page_table:
    case FrameKind::slab:
    case FrameKind::free:
    case FrameKind::cached: return true;
    // The image is told from the archive by its address; contiguous memory is what drivers ask for.
    case FrameKind::boot:
    case FrameKind::kernel:
    case FrameKind::user:
    case FrameKind::contiguous: return false;
    }
    return false;
}

bool holds_kernel_memory(PhysAddr first, std::uint64_t length) {
    for (auto page = first; page < first + length; page += page_size) {
        if (is_kernel_memory(page))
            return true;
    }
    return false;
}

}  // namespace

bool Auditor::is_constant_image(PhysAddr page, std::uint64_t length) const {
    auto const first = image_.text_start - layout::image;
    auto const last = image_.rodata_end - layout::image;
    return image_.text_start < image_.rodata_end && page.value < last && first < page.value + length;
}

void Auditor::walk(PhysAddr root, unsigned first, unsigned last, View view) {
    struct Level {
        PhysAddr table;
        unsigned next = 0;
        unsigned end = paging::entries_per_table;
        paging::Attributes permitted{.write = true, .execute = true, .user = true};
        std::uint64_t start = 0;   // first address that the table covers
    };
    std::array<Level, PageFormat::levels> path{};
    auto const at = [&path](int level) -> Level& { return path[static_cast<std::size_t>(level)]; };
    at(root_level) = {.table = root, .next = first, .end = last};
    ++found_.tables;
    for (int level = root_level; level <= root_level;) {
        auto& here = at(level);
        if (here.next >= here.end) {
            ++level;
            continue;
        }
        auto const index = here.next++;
        auto const entry = paging::load_entry(table_entries(here.table)[index]);
        if (!PageFormat::is_present(entry))
            continue;
        auto const permitted = narrowed(here.permitted, PageFormat::attributes(entry, level));
        auto address = here.start + index * paging::bytes_of(level);
        // The upper half's addresses are sign-extended.
        if (level == root_level && index >= paging::entries_per_table / 2)
            address |= ~std::uint64_t{0} << paging::shift_of(PageFormat::levels);
        if (PageFormat::is_leaf(entry, level)) {
            judge({.address = {address}, .page = PageFormat::address(entry, level), .length = paging::bytes_of(level), .attributes = permitted}, view);
            continue;
        }
        --level;
        ++found_.tables;
        at(level) = {.table = PageFormat::address(entry, level + 1), .permitted = permitted, .start = address};
    }
}

void Auditor::judge(Leaf const& leaf, View view) {
    auto const& attributes = leaf.attributes;
    if (attributes.user && leaf.address >= layout::direct_map_region)
        ++found_.user_in_kernel_half;
    // Hosted code can write anywhere, but is not handed this.
    if (attributes.write && view != View::kernel &&
        (holds_kernel_memory(leaf.page, leaf.length) || is_constant_image(leaf.page, leaf.length)))
        ++found_.exposed_tables;
    if (view == View::foreign) {
        ++found_.foreign;
        if (attributes.write && attributes.execute)
            ++found_.foreign_write_and_execute;
        return;
    }
    if (attributes.write && attributes.execute)
        ++found_.write_and_execute;
    if (view == View::kernel) {
        judge_kernel(leaf);
        return;
    }
    ++(attributes.execute ? found_.native_code : attributes.write ? found_.native_data : found_.native_constants);
}

void Auditor::judge_kernel(Leaf const& leaf) {
    auto const& attributes = leaf.attributes;
    bool const is_text = leaf.address >= image_.text_start && leaf.address + leaf.length <= image_.text_end;
    if (attributes.execute && !is_text)
        ++found_.executable_memory;
    if (attributes.write && is_constant_image(leaf.page, leaf.length))
        ++found_.writable_code;
    ++(attributes.execute    ? found_.kernel_code
       : attributes.uncached ? found_.kernel_devices
       : attributes.write    ? found_.kernel_data
                             : found_.kernel_constants);
}

void Auditor::compare_kernel_half(PhysAddr root, PhysAddr kernel_root) {
    if (root == kernel_root)
        return;
    for (auto index = paging::entries_per_table / 2; index < paging::entries_per_table; ++index) {
        auto const own = paging::load_entry(table_entries(root)[index]);
        auto const kernels = paging::load_entry(table_entries(kernel_root)[index]);
        if ((own | PageFormat::accessed) != (kernels | PageFormat::accessed))
            ++found_.user_in_kernel_half;
    }
}

void Auditor::compare_user_view(PhysAddr view, PhysAddr root, PhysAddr views) {
    compare_kernel_half(view, views);
    for (unsigned index = 0; index < paging::entries_per_table / 2; ++index) {
        auto const seen = paging::load_entry(table_entries(view)[index]);
        auto const meant = paging::load_entry(table_entries(root)[index]);
        if ((seen | PageFormat::accessed) != (meant | PageFormat::accessed))
            ++found_.exposed_tables;
    }
}

}  // namespace astrata::kernel::mem
