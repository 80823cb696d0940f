#include "kernel/mem/kernel_space.h"

#include <algorithm>
#include <array>
#include <bit>

#include "arch/image.h"
#include "arch/paging.h"
#include "kernel/mem/layout.h"
#include "kernel/mem/placement.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/tlb.h"
#include "kernel/sync/spin_lock.h"

namespace astrata::kernel::mem {

namespace {

using arch::PageFormat;

constexpr PhysAddr early_map_end{std::uint64_t{4} << 30};
constexpr PhysAddr frame_limit{layout::direct_map_limit};  // what 32-bit frame numbers reach
constexpr unsigned kernel_half_start = paging::index_at(layout::direct_map_region, PageFormat::levels - 1);

// The final tables are built before there are Frames; these tables live for ever, so nothing needs to be counted.
class EarlyTablePages {
public:
    explicit EarlyTablePages(BootRanges& ranges) : ranges_(ranges) {}
    static paging::TableEntries entries(PhysAddr table) { return table_entries(table); }
    std::uint32_t& used(PhysAddr) { return ignored_; }
    static std::uint64_t groups(PhysAddr) { return ~std::uint64_t{0}; }
    static void add_group(PhysAddr, unsigned) {}
    Result<PhysAddr> allocate() {
        auto const table = TRY(ranges_.take(page_size, early_map_end));
        std::ranges::fill(table_entries(table), paging::Entry{0});
        return table;
    }
    static void free(PhysAddr) {}
    static void root_entry_added(unsigned, paging::Entry) {}

private:
    BootRanges& ranges_;
    std::uint32_t ignored_ = 0;
};

using EarlyTables = paging::PageTables<PageFormat, EarlyTablePages>;
using KernelTables = paging::PageTables<PageFormat, KernelTablePages>;

PhysAddr root;
PhysAddr zeroes;

// Which entries of the kernel half are present: few, and they never change.
struct KernelSlots {
    std::array<std::uint16_t, paging::entries_per_table> index;
    std::size_t count = 0;
} kernel_slots;

// Where the direct map will be, while the tables for it are made.
VirtAddr planned_direct_map;
VirtAddr to_planned_map(PhysAddr address) {
    return planned_direct_map + address.value;
}

Result<> map_image_part(EarlyTables& tables, VirtAddr start, VirtAddr end, paging::Attributes attributes) {
    attributes.global = true;
    return tables.map(start, end - start, PhysAddr{start - layout::image}, attributes);
}

Result<> map_image(EarlyTables& tables) {
    auto const image = arch::image_sections();
    TRY(map_image_part(tables, image.text_start, image.text_end, {.execute = true}));
    TRY(map_image_part(tables, image.rodata_start, image.rodata_end, {}));
    return map_image_part(tables, image.data_start, image.data_end, {.write = true});
}

// Pages up to `mapped_until` are in the direct map already; ranges come sorted by start.
Result<> map_directly(EarlyTables& tables, PhysAddr start, PhysAddr end, PhysAddr& mapped_until) {
    int const largest = arch::has_gigabyte_pages() ? PageFormat::highest_leaf_level : 1;
    start = std::max(PhysAddr{align_down(start.value, page_size)}, mapped_until);
    end = std::min(PhysAddr{align_up(end.value, page_size)}, PhysAddr{layout::direct_map_limit});
    if (start >= end)
        return {};
    mapped_until = end;
    return tables.map(to_planned_map(start), end - start, start, {.write = true, .global = true}, largest);
}

// Everything that the memory map names, since firmware keeps tables in reserved ranges; except reservations above 4
// GiB, which are address space rather than memory. Whatever is not RAM is uncached by the processor's range registers.
Result<> map_all_memory(EarlyTables& tables, BootInfo const& info) {
    // Small pages for the first 2 MiB, where caching changes from page to page, and for the image, where permissions do.
    PhysAddr const small_end{align_up(std::max(info.kernel_start.value + info.kernel_length, huge_page_size), huge_page_size)};
    constexpr PhysAddr real_mode_end{1U << 20};
    TRY(tables.map(to_planned_map({0}), real_mode_end.value, {0}, {.write = true, .global = true}));
    auto mapped_until = real_mode_end;
    std::array<bool, BootInfo::range_capacity> is_done{};
    for (;;) {
        // The next range by start. Quadratic, but of a dozen ranges.
        MemoryRange const* next = nullptr;
        std::size_t next_index = 0;
        for (std::size_t index = 0; index < info.range_count; ++index) {
            auto const& range = info.range_storage[index];
            if (!is_done[index] && (next == nullptr || range.start < next->start)) {
                next = &range;
                next_index = index;
            }
        }
        if (next == nullptr)
            return {};
        is_done[next_index] = true;
        auto end = next->start + next->length;
        if (end < next->start)
            end = PhysAddr{layout::direct_map_limit};
        if (next->kind != MemoryKind::usable && next->start >= early_map_end)
            continue;
        if (next->kind != MemoryKind::usable)
            end = std::min(end, early_map_end);
        if (mapped_until < small_end) {
            auto const first_end = std::min(end, small_end);
            auto const first_start = std::max(PhysAddr{align_down(next->start.value, page_size)}, mapped_until);
            if (first_start < first_end) {
                auto const length = align_up(first_end.value, page_size) - first_start.value;
                TRY(tables.map(to_planned_map(first_start), length, first_start,
                               {.write = true, .global = true}));
                mapped_until = first_start + length;
            }
        }
        TRY(map_directly(tables, next->start, end, mapped_until));
    }
}

// What of the image may not be written must not be writable in the direct map either.
void protect_image_alias(EarlyTables& tables) {
    auto const image = arch::image_sections();
    tables.update(to_planned_map({image.text_start - layout::image}), image.rodata_end - image.text_start,
                  [](paging::Entry entry, int) { return PageFormat::without_write(entry); });
}

// The dynamic area: stacks in its lower half, devices in its upper half.
constexpr std::uint64_t stack_stride = 2 * KernelStack::page_count * page_size;
constexpr std::uint32_t stack_limit = 16384;
static_assert(stack_stride * stack_limit <= stacks_room);
VirtAddr stacks_start;
VirtAddr devices_start;
constexpr std::size_t spare_stack_limit = 16;
constexpr std::uint64_t stack_bytes = KernelStack::page_count * page_size;

VirtAddr stack_top(std::uint32_t slot) {
    return stacks_start + (slot + std::uint64_t{1}) * stack_stride;
}

class DynamicArea {
public:
    void reset() {
        LockGuard guard(lock_);
        stacks_in_use_ = {};
        spare_count_ = 0;
        next_device_ = devices_start;
    }

    void audit(Auditor& auditor) {
        LockGuard guard(lock_);
        auto const hosted_first = paging::index_at(layout::hosted_start, PageFormat::levels - 1);
        auditor.walk(root, kernel_half_start, hosted_first, Auditor::View::kernel);
        auditor.walk(root, hosted_first + layout::hosted_limit, paging::entries_per_table, Auditor::View::kernel);
    }

    Result<std::uint32_t> take_stack() {
        LockGuard guard(lock_);
        // A spare one is mapped already.
        if (spare_count_ > 0)
            return spares_[--spare_count_];
        auto const word = std::ranges::find_if(stacks_in_use_, [](std::uint64_t bits) { return ~bits != 0; });
        if (word == stacks_in_use_.end())
            return fail(Error::no_resources);
        auto const bit = static_cast<std::uint32_t>(std::countr_one(*word));
        auto const slot = static_cast<std::uint32_t>(word - stacks_in_use_.begin()) * 64 + bit;
        if (auto mapped = map_stack(slot); !mapped) {
            unmap_stack(slot);
            return fail(mapped.error());
        }
        *word |= std::uint64_t{1} << bit;
        return slot;
    }

    void give_stack(std::uint32_t slot) {
        LockGuard guard(lock_);
        if (spare_count_ < spares_.size()) {
            spares_[spare_count_++] = slot;
            return;
        }
        unmap_stack(slot);
        stacks_in_use_[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
    }

    Result<VirtAddr> map_device(PhysAddr address, std::uint64_t length) {
        auto const first = align_down(address.value, page_size);
        if (length == 0 || address.value + length < address.value || address.value + length > std::uint64_t{1} << 52)
            return fail(Error::out_of_range);
        auto const bytes = align_up(address.value + length, page_size) - first;
        LockGuard guard(lock_);
        if (bytes > layout::dynamic_start + layout::dynamic_length - next_device_)
            return fail(Error::no_resources);
        auto const start = next_device_;
        KernelTablePages pages;
        KernelTables tables(root, pages);
        if (auto mapped = tables.map(start, bytes, {first}, {.write = true, .global = true, .uncached = true});
            !mapped) {
            tables.unmap(start, bytes);
            tlb::flush_kernel_range(start, bytes / page_size);
            return fail(mapped.error());
        }
        next_device_ += bytes;
        return start + address.page_offset();
    }

private:
    Result<> map_stack(std::uint32_t slot) REQUIRES(lock_) {
        KernelTablePages pages;
        KernelTables tables(root, pages);
        for (auto at = stack_top(slot) - stack_bytes; at < stack_top(slot); at += page_size) {
            auto const frame = TRY(allocate_frame(FrameKind::kernel, Zero::no));
            if (auto mapped = tables.map(at, page_size, frame, {.write = true, .global = true}); !mapped) {
                free_frame(frame);
                return mapped;
            }
        }
        return {};
    }

    // Whatever of it is mapped.
    void unmap_stack(std::uint32_t slot) REQUIRES(lock_) {
        KernelTablePages pages;
        KernelTables tables(root, pages);
        auto const start = stack_top(slot) - stack_bytes;
        std::array<PhysAddr, KernelStack::page_count> frames;
        std::size_t count = 0;
        tables.for_each_leaf(start, stack_bytes, [&](VirtAddr, paging::Entry entry, int level) {
            frames[count++] = PageFormat::address(entry, level);
        });
        tables.unmap(start, stack_bytes);
        tlb::flush_kernel_range(start, KernelStack::page_count);
        for (auto const frame : std::span(frames).first(count))
            free_frame(frame);
        // `pages` frees its retired tables only now.
    }

    SpinLock<LockRank::kernel_space, PreemptionOff> lock_;
    std::array<std::uint64_t, stack_limit / 64> stacks_in_use_ GUARDED_BY(lock_){};
    std::array<std::uint32_t, spare_stack_limit> spares_ GUARDED_BY(lock_){};  // in use by nobody, but mapped
    std::size_t spare_count_ GUARDED_BY(lock_) = 0;
    VirtAddr next_device_ GUARDED_BY(lock_);
};

DynamicArea dynamic_area;

}  // namespace

Result<> initialize(BootInfo const& info) {
    auto const& placement = info.placement;
    planned_direct_map = placement.direct_map;
    layout::dynamic_start = placement.dynamic;
    layout::hosted_start = placement.hosted;
    stacks_start = placement.dynamic + placement.stacks_offset;
    devices_start = placement.dynamic + layout::dynamic_length / 2 + placement.devices_offset;
    BootRanges ranges(info, frame_limit);
    EarlyTablePages pages(ranges);
    root = TRY(pages.allocate());
    EarlyTables tables(root, pages);
    TRY(map_image(tables));
    TRY(map_all_memory(tables, info));
    protect_image_alias(tables);
    // Every root shares the dynamic area's second-level table, so it must be there before the first root is copied.
    TRY(tables.table_for(layout::dynamic_start, PageFormat::levels - 2));
    arch::load_root(root);
    layout::direct_map = planned_direct_map;
    dynamic_area.reset();
    TRY(initialize_frames(ranges));
    for (unsigned slot = 0; slot < layout::hosted_limit; ++slot) {
        auto const index = paging::index_at(layout::hosted_start + slot * layout::root_slot_bytes, PageFormat::levels - 1);
        paging::store_entry(table_entries(root)[index], PageFormat::table(TRY(allocate_frame(FrameKind::page_table, Zero::yes))));
    }
    kernel_slots.count = 0;
    for (auto index = kernel_half_start; index < paging::entries_per_table; ++index) {
        if (table_entries(root)[index] != 0)
            kernel_slots.index[kernel_slots.count++] = static_cast<std::uint16_t>(index);
    }
    zeroes = TRY(allocate_frame(FrameKind::kernel, Zero::yes));
    return {};
}

PhysAddr kernel_root() {
    return root;
}

void copy_kernel_half(paging::TableEntries to) {
    auto const from = table_entries(root);
    for (auto const index : std::span(kernel_slots.index).first(kernel_slots.count))
        to[index] = from[index];
}

PhysAddr zero_page() {
    return zeroes;
}

Result<VirtAddr> map_device(PhysAddr address, std::uint64_t length) {
    return dynamic_area.map_device(address, length);
}

Result<KernelStack> KernelStack::create(Account& account) {
    auto charge = TRY(PendingCharge::make(account, stack_bytes));
    auto const slot = TRY(dynamic_area.take_stack());
    charge.keep();
    return KernelStack(slot, account.id());
}

KernelStack::~KernelStack() {
    if (slot_ == no_slot)
        return;
    dynamic_area.give_stack(slot_);
    Account::of(payer_).uncharge(stack_bytes);
}

VirtAddr KernelStack::top() const {
    return stack_top(slot_);
}

void audit_kernel_space(Auditor& auditor) {
    dynamic_area.audit(auditor);
}

std::optional<PhysAddr> query_kernel(VirtAddr address) {
    KernelTablePages pages;
    KernelTables const tables(root, pages);
    auto const leaf = tables.query(address);
    return leaf ? std::optional(leaf->page + address.page_offset()) : std::nullopt;
}

}  // namespace astrata::kernel::mem
