// The page tables of an address space.
#include <algorithm>

#include "arch/user_view.h"
#include "kernel/mem/address_space.h"
#include "kernel/mem/kernel_space.h"

namespace astrata::kernel {

namespace {

constexpr int root_level = arch::PageFormat::levels - 1;
constexpr unsigned home_slot = paging::index_at(layout::home_start, root_level);
constexpr unsigned user_slots = home_slot + 1;

}  // namespace

Result<PhysAddr> AddressSpace::Tables::allocate() {
    // A program that only reads its way through empty memory needs nothing but tables.
    auto const reserve = space_.is_guest() ? mem::Reserve::keep : mem::Reserve::may_use;
    auto& account = space_.account();
    TRY(reserve == mem::Reserve::keep ? account.charge_beside_reserve(page_size) : account.charge(page_size));
    auto const table = mem::allocate_frame(mem::FrameKind::page_table, mem::Zero::yes, reserve);
    if (!table) {
        account.uncharge(page_size);
        return table;
    }
    mem::frame_of(*table).account = account.id();
    space_.table_pages_.fetch_add(1, std::memory_order_relaxed);
    return table;
}

// Under the page-table lock, which the analysis cannot see from here; or at the space's end.
void AddressSpace::Tables::free(PhysAddr table) NO_THREAD_SAFETY_ANALYSIS {
    if (table == space_.recent_table_)
        space_.recent_table_ = {};
    space_.table_pages_.fetch_sub(1, std::memory_order_relaxed);
    retired_.add(table);
}

bool AddressSpace::Tables::keep_empty(PhysAddr table) NO_THREAD_SAFETY_ANALYSIS {
    if (table != space_.recent_table_)
        return false;
    if (space_.kept_block_ != space_.recent_block_)
        space_.stale_block_ = std::exchange(space_.kept_block_, space_.recent_block_);
    return true;
}

void AddressSpace::Tables::root_entry_added(unsigned index, paging::Entry entry) {
    if (space_.native_root_ != space_.restricted_root_)
        paging::store_entry(entries(space_.native_root_)[index], entry);
    if (arch::has_user_views()) {
        for (auto const root : {space_.native_root_, space_.restricted_root_})
            paging::store_entry(entries(arch::user_view_of(root))[index], entry);
    }
}

Result<PhysAddr> AddressSpace::Tables::allocate_root() {
    if (!arch::has_user_views()) {
        auto const root = TRY(allocate());
        mem::copy_kernel_half(entries(root));
        return root;
    }
    auto charge = TRY(PendingCharge::make(space_.account(), 2 * page_size));
    auto const root = TRY(mem::allocate_frames(1, mem::FrameKind::page_table, mem::Zero::yes));
    charge.keep();
    auto const view = arch::user_view_of(root);
    for (auto const table : {root, view})
        mem::frame_of(table).account = space_.account().id();
    space_.table_pages_.fetch_add(2, std::memory_order_relaxed);
    mem::copy_kernel_half(entries(root));
    std::ranges::copy(entries(arch::user_view_root()).last<paging::entries_per_table / 2>(),
                      entries(view).last<paging::entries_per_table / 2>().begin());
    return root;
}

void AddressSpace::Tables::free_root(PhysAddr root) {
    // What was entered for the kernel's half, and in views, was never counted.
    used(root) = paging::entries_per_table;
    free(root);
    if (!arch::has_user_views())
        return;
    used(arch::user_view_of(root)) = paging::entries_per_table;
    free(arch::user_view_of(root));
}

// Before anybody else knows the space.
Result<> AddressSpace::initialize() {
    if (!is_guest() && is_hosted()) {
        // Its place in the kernel's root is there already, and every other root shares it.
        restricted_root_ = native_root_ = mem::kernel_root();
        return {};
    }
    Tables pages(*this);
    native_root_ = restricted_root_ = TRY(pages.allocate_root());
    if (is_guest() && is_hosted())
        return {};
    if (is_guest()) {
        native_root_ = TRY(pages.allocate_root());
        auto const home = mem::table_entries(home_->restricted_root_)[home_slot];
        mem::table_entries(native_root_)[home_slot] = home;
        if (arch::has_user_views())
            mem::table_entries(arch::user_view_of(native_root_))[home_slot] = home;
        return {};
    }
    // Guest spaces copy the home slot once, so its table is there from the start and stays.
    PageTables tables(restricted_root_, pages);
    TRY(tables.table_for(layout::home_start, root_level - 1));
    return {};
}

void AddressSpace::audit(mem::Auditor& auditor) {
    if (restricted_root_.value == 0)
        return;
    auditor.count_space();
    LockGuard guard(page_table_lock_);
    auditor.compare_kernel_half(restricted_root_, mem::kernel_root());
    auditor.compare_kernel_half(native_root_, mem::kernel_root());
    if (arch::has_user_views() && restricted_root_ != mem::kernel_root()) {
        for (auto const root : {native_root_, restricted_root_})
            auditor.compare_user_view(arch::user_view_of(root), root, arch::user_view_root());
    }
    auto const first = paging::index_at(first_address(), root_level);
    if (is_guest())
        auditor.walk(restricted_root_, 0, home_slot, mem::Auditor::View::foreign);
    else
        auditor.walk(restricted_root_, first, first + 1, mem::Auditor::View::native);
}

// The last reference is gone: no processor uses the roots, and no object can be reached through this space's views
// while they are taken off its list one by one.
AddressSpace::~AddressSpace() NO_THREAD_SAFETY_ANALYSIS {
    leave_list();
    if (!is_guest() && is_hosted())
        forget_pages(first_address(), (last_address() - first_address()) / page_size);
    remove_all_locked();
    note_large_locked(-static_cast<std::int64_t>(large_leaves_));
    free_spare_mappings();
    private_pages_.clear();
    if (!is_guest() && is_hosted()) {
        // The tables went with the mappings.
        release_hosted_slot();
        return;
    }
    if (restricted_root_.value == 0)
        return;
    Tables pages(*this);
    PageTables tables(restricted_root_, pages);
    tables.free_tables(0, user_slots);
    if (native_root_ != restricted_root_)
        pages.free_root(native_root_);
    pages.free_root(restricted_root_);
}

void AddressSpace::forget_pages(VirtAddr start, std::uint64_t page_count) {
    Tables pages(*this);
    std::uint64_t removed = 0;
    bool has_freed = false;
    {
        LockGuard guard(page_table_lock_);
        PageTables tables(restricted_root_, pages);
        if (large_leaves_ != 0) [[unlikely]] {
            // What cannot be split goes as a whole; the rest of it comes back as it is touched.
            auto const end = start + page_count * page_size;
            bool const is_split =
                split_large_locked(tables, start).has_value() && split_large_locked(tables, end).has_value();
            if (!is_split) {
                start = {align_down(start.value, huge_page_size)};
                page_count = (align_up(end.value, huge_page_size) - start.value) / page_size;
            }
        }
        // At its end a space keeps no table; one that is hosted in the kernel could not free it later.
        if (start == first_address() && page_count == (last_address() - first_address()) / page_size)
            recent_table_ = {};
        removed = tables.unmap(start, page_count * page_size, [&](int level) NO_THREAD_SAFETY_ANALYSIS {  // locked
            if (level > 0) [[unlikely]] {
                note_large_locked(-1);
                resident_pages_ -= paging::entries_per_table - 1;
            }
        });
        resident_pages_ -= removed;
        if (stale_block_ != no_block) {
            tables.free_empty_table({std::exchange(stale_block_, no_block) * paging::bytes_of(1)});
            has_freed = true;
        }
    }
    if (removed > 0 || has_freed)
        flush(start, page_count);
    // `pages` frees the tables that have become empty only now.
}

void AddressSpace::protect_view(ObjectView const& view) {
    bool has_changed = false;
    {
        LockGuard guard(page_table_lock_);
        Tables pages(*this);
        PageTables tables(restricted_root_, pages);
        has_changed = tables.update(view.start, view.page_count * page_size,
                                    [](paging::Entry entry, int) { return arch::PageFormat::without_write(entry); });
    }
    if (has_changed)
        flush(view.start, view.page_count);
}

void AddressSpace::flush(VirtAddr start, std::uint64_t page_count) {
    // The page tables have changed before anybody looks who uses them; a CPU that says so later loads the root later
    // still.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!is_guest() && is_hosted()) {
        tlb::flush_kernel_range(start, page_count);
        return;
    }
    if (auto const users = tlb::users_of(*this); users != 0)
        tlb::flush_range(users, restricted_root_, native_root_, start, page_count);
}

std::uint64_t AddressSpace::resident_pages_in(VirtAddr start, std::uint64_t length) {
    LockGuard guard(page_table_lock_);
    Tables pages(*this);
    PageTables const tables(restricted_root_, pages);
    std::uint64_t count = 0;
    tables.for_each_leaf(start, length,
                         [&](VirtAddr, paging::Entry, int level) { count += paging::bytes_of(level) / page_size; });
    return count;
}

}  // namespace astrata::kernel
