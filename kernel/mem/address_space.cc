// Creating and cloning address spaces, and their mappings.
#include "kernel/mem/address_space.h"

#include <algorithm>
#include <new>

#include "kernel/mem/heap.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/object/make_object.h"

namespace astrata::kernel {

namespace {

constexpr auto kept_flags =
    abi::MapFlags::private_ | abi::MapFlags::allow_jit | abi::MapFlags::uncached | abi::MapFlags::sparse;
constexpr auto write_and_execute = abi::Access::write | abi::Access::execute;

// A bit for each slot of the kernel's half that a hosted home space has.
constinit std::atomic<std::uint32_t> hosted_slots = 0;

// Whether `upper`, which begins where `lower` ends, could be part of the same mapping.
bool can_merge(Mapping const& lower, Mapping const& upper) {
    return lower.end() == upper.start && lower.object.get() == upper.object.get() && lower.access == upper.access &&
           lower.allowed == upper.allowed && lower.flags == upper.flags &&
           (!lower.object || lower.first_page + lower.page_count == upper.first_page);
}

// For audits.
struct AllSpaces {
    SpinLock<LockRank::registry, PreemptionOff> lock;
    IntrusiveList<AddressSpace, &AddressSpace::all_link> list GUARDED_BY(lock);
};
constinit AllSpaces all_spaces;

}  // namespace

void AddressSpace::leave_list() {
    LockGuard guard(all_spaces.lock);
    if (all_spaces.list.is_linked(*this))
        all_spaces.list.remove(*this);
}

AddressSpace::AddressSpace(Ref<Account> account, RefOrNull<AddressSpace> home, VirtAddr start)
    : KernelObject(abi::ObjectKind::address_space, std::move(account)), start_(start), home_(std::move(home)),
      search_top_(last_address()) {
    LockGuard guard(all_spaces.lock);
    all_spaces.list.push_back(*this);
}

RefOrNull<AddressSpace> AddressSpace::next(std::uint64_t id) {
    LockGuard guard(all_spaces.lock);
    // Two creations may arrive in the other order than they took their ids: the smallest has to be looked for.
    for (;;) {
        AddressSpace* smallest = nullptr;
        for (auto& space : all_spaces.list) {
            if (space.id() > id && (smallest == nullptr || space.id() < smallest->id()))
                smallest = &space;
        }
        if (smallest == nullptr)
            return nullptr;
        if (smallest->try_add_reference())
            return Ref<AddressSpace>::adopt(*smallest);
        id = smallest->id();  // about to end
    }
}

Result<Ref<AddressSpace>> AddressSpace::create_home(Account& account) {
    auto space = TRY(make_object<AddressSpace>(account, RefOrNull<AddressSpace>(), layout::home_start));
    TRY(space->initialize());
    return space;
}

Result<Ref<AddressSpace>> AddressSpace::create_hosted_home(Account& account) {
    for (unsigned slot = 0; slot < layout::hosted_limit; ++slot) {
        auto const bit = std::uint32_t{1} << slot;
        if ((hosted_slots.fetch_or(bit, std::memory_order_acquire) & bit) != 0)
            continue;
        auto space = make_object<AddressSpace>(account, RefOrNull<AddressSpace>(),
                                               layout::hosted_start + slot * layout::root_slot_bytes);
        if (!space) {
            hosted_slots.fetch_and(~bit, std::memory_order_release);
            return space;
        }
        TRY((*space)->initialize());
        return space;
    }
    return fail(Error::no_resources);
}

Result<Ref<AddressSpace>> AddressSpace::create_guest(Account& account, Ref<AddressSpace> home) {
    auto space = TRY(make_object<AddressSpace>(account, RefOrNull<AddressSpace>(std::move(home)), layout::guest_start));
    TRY(space->initialize());
    return space;
}

void AddressSpace::release_hosted_slot() {
    auto const slot = (start_ - layout::hosted_start) / layout::root_slot_bytes;
    hosted_slots.fetch_and(~(std::uint32_t{1} << slot), std::memory_order_release);
}

// Nobody else knows the copy yet, so its lock is not needed; which the analysis cannot see.
Result<Ref<AddressSpace>> AddressSpace::clone() NO_THREAD_SAFETY_ANALYSIS {
    if (!is_guest())
        return fail(Error::not_supported);
    auto copy = TRY(make_object<AddressSpace>(account(), home_, layout::guest_start));
    TRY(copy->initialize());
    LockGuard guard(mapping_lock_);
    TRY(copy_mappings_to(*copy));
    copy->search_top_ = search_top_;
    // From here on nothing fails. The copy begins with empty page tables: a program that goes on to execute another one
    // touches few pages, and those come in by groups.
    if (withdraw_write_permission())
        flush(first_address(), (last_address() - first_address()) / page_size);
    copy->private_pages_ = private_pages_.share();
    return copy;
}

// With a pause after each mapping and each GiB; nobody enters pages meanwhile, for that needs the mapping lock.
bool AddressSpace::withdraw_write_permission() {
    constexpr std::uint64_t step = std::uint64_t{1} << 30;
    bool has_changed = false;
    for (auto* mapping = mappings_.first(); mapping != nullptr; mapping = Mappings::next(*mapping)) {
        // Nothing of the others is both in the tree that is shared now and writable.
        if (!mapping->is_touched || !mapping->is_private() || !has(mapping->access, abi::Access::write))
            continue;
        for (auto start = mapping->start; start < mapping->end(); start = start + step) {
            LockGuard table_guard(page_table_lock_);
            Tables pages(*this);
            PageTables tables(restricted_root_, pages);
            has_changed |= tables.update(start, std::min(step, mapping->end() - start), [](paging::Entry entry, int) {
                return arch::PageFormat::without_write(entry);
            });
        }
    }
    return has_changed;
}

Result<> AddressSpace::copy_mappings_to(AddressSpace& copy) NO_THREAD_SAFETY_ANALYSIS {
    // All twins are paid for at once.
    constexpr std::size_t size = sizeof(Mapping);
    TRY(account().charge(mapping_count_ * mem::heap_charge(size)));
    bool const is_complete =
        copy.mappings_.copy_shape(mappings_, [&](Mapping const& mapping) NO_THREAD_SAFETY_ANALYSIS -> Mapping* {
            void* const memory = mem::heap_allocate(size);
            if (memory == nullptr)
                return nullptr;
            auto* const twin = new (memory) Mapping;
            twin->show_same_as(mapping);
            twin->space = &copy;
            ++copy.mapping_count_;
            if (twin->object) {
                LockGuard guard(twin->object->lock());
                twin->object->add_view_locked(*twin);
            }
            return twin;
        });
    copy.mapped_pages_.store(mapped_pages_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    if (is_complete)
        return {};
    account().uncharge((mapping_count_ - copy.mapping_count_) * mem::heap_charge(size));
    return fail(Error::no_memory);
}

// ---- The set of mappings.

Result<> AddressSpace::check_range(VirtAddr address, std::uint64_t length) const {
    if (!address.is_page_aligned() || !is_aligned(length, page_size) || length == 0)
        return fail(Error::invalid_argument);
    if (address < first_address() || address > last_address() || length > last_address() - address)
        return fail(Error::out_of_range);
    return {};
}

Result<> AddressSpace::check_access(abi::Access access, abi::MapFlags flags) const {
    if (has(access, write_and_execute) && !(is_guest() && has(flags, abi::MapFlags::allow_jit)))
        return fail(Error::access_denied);
    return {};
}

Mapping* AddressSpace::mapping_at_locked(VirtAddr address) {
    if (last_found_ != nullptr && last_found_->start <= address && address < last_found_->end())
        return last_found_;
    auto* const mapping = mappings_.last_not_after(address.value);
    if (mapping == nullptr || mapping->end() <= address)
        return nullptr;
    last_found_ = mapping;
    return mapping;
}

// The first mapping that ends above the address.
Mapping* AddressSpace::first_mapping_after_locked(VirtAddr address) {
    if (last_found_ != nullptr && last_found_->start <= address && address < last_found_->end())
        return last_found_;
    auto* const mapping = mappings_.last_not_after(address.value);
    if (mapping == nullptr)
        return mappings_.first();
    return mapping->end() > address ? mapping : Mappings::next(*mapping);
}

Result<Mapping*> AddressSpace::make_mapping() {
    if (spare_count_ > 0)
        return spare_[--spare_count_];
    auto charge = TRY(PendingCharge::make(account(), mem::heap_charge(sizeof(Mapping))));
    void* const memory = mem::heap_allocate(sizeof(Mapping));
    if (memory == nullptr)
        return fail(Error::no_memory);
    charge.keep();
    auto* const mapping = new (memory) Mapping;
    mapping->space = this;
    return mapping;
}

void AddressSpace::free_mapping(Mapping& mapping) {
    mapping.object = nullptr;
    if (spare_count_ < spare_limit) {
        spare_[spare_count_++] = &mapping;
        return;
    }
    mapping.~Mapping();
    mem::heap_free(&mapping, sizeof(Mapping));
    account().uncharge(mem::heap_charge(sizeof(Mapping)));
}

void AddressSpace::free_spare_mappings() {
    for (; spare_count_ > 0; --spare_count_) {
        auto* const mapping = spare_[spare_count_ - 1];
        mapping->~Mapping();
        mem::heap_free(mapping, sizeof(Mapping));
        account().uncharge(mem::heap_charge(sizeof(Mapping)));
    }
}

void AddressSpace::insert_locked(Mapping& mapping, Mapping* lower) {
    mappings_.insert_after(mapping, lower);
    last_found_ = &mapping;
    note_below_top_locked(mapping);
    ++mapping_count_;
    mapped_pages_.fetch_add(mapping.page_count, std::memory_order_relaxed);
    if (mapping.object) {
        LockGuard guard(mapping.object->lock());
        mapping.object->add_view_locked(mapping);
    }
}

void AddressSpace::remove_locked(Mapping& mapping) {
    mappings_.remove(mapping);
    last_found_ = nullptr;
    if (below_top_ == &mapping)
        below_top_ = nullptr;
    --mapping_count_;
    mapped_pages_.fetch_sub(mapping.page_count, std::memory_order_relaxed);
    if (mapping.object) {
        LockGuard guard(mapping.object->lock());
        mapping.object->remove_view_locked(mapping);
    }
}

// Moves the edges of a mapping, which stays before and behind the same neighbours. What it shows at an address stays.
void AddressSpace::resize_locked(Mapping& mapping, VirtAddr start, std::uint64_t page_count) {
    mapped_pages_.fetch_add(page_count - mapping.page_count, std::memory_order_relaxed);
    if (!mapping.object) {
        mapping.start = start;
        mapping.page_count = page_count;
    } else {
        LockGuard guard(mapping.object->lock());
        mapping.first_page = mapping.first_page + start.page() - mapping.start.page();  // downwards too
        mapping.start = start;
        mapping.page_count = page_count;
    }
    note_below_top_locked(mapping);
}

Result<> AddressSpace::split_at_locked(VirtAddr address) {
    auto* const lower = mapping_at_locked(address);
    if (lower != nullptr && lower->start != address)
        TRY(split_locked(*lower, address));
    return {};
}

// Returns the part from `address` on.
Result<Mapping*> AddressSpace::split_locked(Mapping& lower, VirtAddr address) {
    auto& upper = *TRY(make_mapping());
    if (large_leaves_ != 0) [[unlikely]]
        end_large_at(address);
    auto const lower_count = (address - lower.start) / page_size;
    upper.show_same_as(lower);
    upper.start = address;
    upper.page_count = lower.page_count - lower_count;
    upper.first_page = lower.object ? lower.first_page + lower_count : 0;
    resize_locked(lower, lower.start, lower_count);
    insert_locked(upper, &lower);
    return &upper;
}

Mapping& AddressSpace::merge_with_neighbours_locked(Mapping& mapping) {
    auto* merged = &mapping;
    if (auto* const lower = Mappings::previous(*merged); lower != nullptr && can_merge(*lower, *merged)) {
        auto const count = lower->page_count + merged->page_count;
        lower->is_touched |= merged->is_touched;
        remove_locked(*merged);
        free_mapping(*merged);
        resize_locked(*lower, lower->start, count);
        merged = lower;
    }
    // More than one above: protecting a range may make equal what was split off at its end.
    for (auto* upper = Mappings::next(*merged); upper != nullptr && can_merge(*merged, *upper);
         upper = Mappings::next(*merged)) {
        auto const count = merged->page_count + upper->page_count;
        merged->is_touched |= upper->is_touched;
        remove_locked(*upper);
        free_mapping(*upper);
        resize_locked(*merged, merged->start, count);
    }
    last_found_ = merged;
    return *merged;
}

// ---- Where there is room.

void AddressSpace::look_for_room_below(VirtAddr address) {
    LockGuard guard(mapping_lock_);
    search_from_locked(std::clamp(address, first_address() + page_size, last_address()), nullptr);
}

bool AddressSpace::is_free_locked(VirtAddr start, std::uint64_t length) {
    auto const* const mapping = first_mapping_after_locked(start);
    return mapping == nullptr || mapping->start >= start + length;
}

// From the top down, so that mappings stay together; each gap is a step. Ranges above search_top_ are known to be full
// or small.
Result<AddressSpace::Room> AddressSpace::find_free_locked(std::uint64_t length) {
    for (;;) {
        auto const top = search_top_;
        auto limit = top;
        if (below_top_ == nullptr)
            below_top_ = mappings_.last_not_after(limit.value - 1);
        for (auto* mapping = below_top_;; mapping = Mappings::previous(*mapping)) {
            auto const low = mapping != nullptr ? mapping->end() : first_address();
            if (limit > low && limit - low >= length) {
                if (limit == top)
                    search_from_locked(limit - length, mapping);
                return Room{limit - length, mapping};
            }
            if (mapping == nullptr)
                break;
            limit = mapping->start;
        }
        if (top == last_address())
            return fail(Error::no_memory);
        search_from_locked(last_address(), nullptr);
    }
}

Result<AddressSpace::Room> AddressSpace::place_locked(VirtAddr address, std::uint64_t length, abi::MapFlags flags) {
    bool const is_fixed = has(flags, abi::MapFlags::fixed);
    if (!is_fixed) {
        address = {align_down(address.value, page_size)};
        if (address.value == 0 || !check_range(address, length) || !is_free_locked(address, length))
            return find_free_locked(length);
    } else {
        TRY(check_range(address, length));
        if (has(flags, abi::MapFlags::exclusive) && !is_free_locked(address, length))
            return fail(Error::already_exists);
    }
    return Room{address, mappings_.last_not_after(address.value)};
}

// ---- Mapping.

// Maps and shows one page that is in memory, where the search for room begins: what is mapped again and again. Takes
// over `object`, or yields 0 and has changed nothing if anything is unusual. Budget: 250 instructions (map_page).
[[gnu::always_inline]] inline VirtAddr AddressSpace::map_resident_page_locked(Ref<MemoryObject>& object,
                                                                              std::uint64_t page, abi::Access access,
                                                                              abi::Access allowed) {
    auto* const lower = below_top_;
    if (lower == nullptr || lower->end() + page_size > search_top_ || spare_count_ == 0 || access == abi::Access::none)
        return {};
    // Pages that lie side by side may be one mapping.
    auto const* const upper = Mappings::next(*lower);
    if (lower->object.get() == object.get() || (upper != nullptr && upper->object.get() == object.get()))
        return {};
    auto const start = search_top_ - page_size;
    auto& mapping = *spare_[spare_count_ - 1];
    LockGuard guard(object->lock());
    auto const found = object->page_for_read_locked(page);
    if (found.state != MemoryObject::PageState::present || (has(access, abi::Access::write) && !found.may_write))
        return {};
    mapping.flags = {};
    mapping.access = access;
    {
        LockGuard table_guard(page_table_lock_);
        if (start.value / paging::bytes_of(1) != recent_block_ || recent_table_.value == 0 || large_leaves_ != 0)
            return {};
        Tables pages(*this);
        PageTables tables(restricted_root_, pages);
        // Nothing is mapped there, so that nothing is shown.
        tables.set({&Tables::entries(recent_table_)[paging::index_at(start, 0)], recent_table_},
                   entry_for(mapping, found.page, found.may_write));
        ++resident_pages_;
    }
    --spare_count_;
    mapping.start = start;
    mapping.page_count = 1;
    mapping.first_page = page;
    mapping.allowed = allowed;
    mapping.is_touched = true;
    mappings_.insert_after(mapping, lower);
    last_found_ = &mapping;
    search_top_ = start;
    ++mapping_count_;
    mapped_pages_.fetch_add(1, std::memory_order_relaxed);
    object->add_view_locked(mapping);
    mapping.object = std::move(object);
    return start;
}

Result<VirtAddr> AddressSpace::map(Ref<MemoryObject> object, std::uint64_t offset, VirtAddr address,
                                   std::uint64_t length, abi::Access access, abi::MapFlags flags, abi::Access allowed) {
    if (length == 0 || !is_aligned(length | offset, page_size))
        return fail(Error::invalid_argument);
    auto const size = align_up(object->size(), page_size);
    if (offset > size || length > size - offset)
        return fail(Error::out_of_range);
    if (has(flags, abi::MapFlags::private_) && !object->can_be_copied())
        return fail(Error::not_supported);
    // Memory that the kernel sees cached must not be seen otherwise: caches and memory would disagree.
    if (has(flags, abi::MapFlags::uncached) && !object->is_uncached())
        return fail(Error::invalid_argument);
    if (object->is_uncached())
        flags |= abi::MapFlags::uncached;
    TRY(check_access(access, flags));
    VirtAddr mapped;
    auto reached = std::uint64_t{0};
    {
        LockGuard guard(mapping_lock_);
        if (length == page_size && address.value == 0 && flags == abi::MapFlags::populate) {
            mapped = map_resident_page_locked(object, offset / page_size, access, allowed);
            if (mapped.value != 0)
                return mapped;
        }
        mapped = TRY(map_locked(std::move(object), offset / page_size, address, length, access, flags, allowed));
        if (!has(flags, abi::MapFlags::populate))
            return mapped;
        reached = show_resident_locked(mapped, mapped + length, access) - mapped;
    }
    if (reached < length)
        populate(mapped + reached, length - reached, access);
    return mapped;
}

Result<VirtAddr> AddressSpace::map_anonymous(VirtAddr address, std::uint64_t length, abi::Access access,
                                             abi::MapFlags flags) {
    if (length == 0 || !is_aligned(length, page_size) || has(flags, abi::MapFlags::uncached))
        return fail(Error::invalid_argument);
    TRY(check_access(access, flags));
    flags |= abi::MapFlags::private_;
    VirtAddr mapped;
    {
        LockGuard guard(mapping_lock_);
        mapped = TRY(map_locked(nullptr, 0, address, length, access, flags, all_access));
    }
    if (has(flags, abi::MapFlags::populate))
        populate(mapped, length, access);
    return mapped;
}

Result<VirtAddr> AddressSpace::map_locked(RefOrNull<MemoryObject> object, std::uint64_t first_page, VirtAddr address,
                                          std::uint64_t length, abi::Access access, abi::MapFlags flags,
                                          abi::Access allowed) {
    auto [start, lower] = TRY(place_locked(address, length, flags));
    auto* const upper = lower != nullptr ? Mappings::next(*lower) : mappings_.first();
    bool const is_free =
        (lower == nullptr || lower->end() <= start) && (upper == nullptr || upper->start >= start + length);
    if (!object && is_free && extend_locked(lower, upper, start, length, access, flags & kept_flags))
        return start;
    // Made first, so that nothing has been unmapped if it fails.
    auto& mapping = *TRY(make_mapping());
    if (!is_free) {
        if (auto unmapped = unmap_locked(start, length); !unmapped) {
            free_mapping(mapping);
            return fail(unmapped.error());
        }
        lower = mappings_.last_not_after(start.value);
    }
    mapping.start = start;
    mapping.page_count = length / page_size;
    mapping.first_page = first_page;
    mapping.object = std::move(object);
    mapping.access = access;
    mapping.allowed = allowed;
    mapping.flags = flags & kept_flags;
    mapping.is_touched = false;
    insert_locked(mapping, lower);
    // Fresh memory has just been found to have no neighbour that it could join.
    if (mapping.object || !is_free) {
        if (!is_free || (lower != nullptr && can_merge(*lower, mapping)) ||
            (upper != nullptr && can_merge(mapping, *upper)))
            merge_with_neighbours_locked(mapping);
    }
    return start;
}

// Adds free pages to an anonymous mapping directly below or above them, if there is one of the same kind. `lower` and
// `upper` are the nearest ones on both sides.
bool AddressSpace::extend_locked(Mapping* lower, Mapping* upper, VirtAddr start, std::uint64_t length,
                                 abi::Access access, abi::MapFlags flags) {
    auto const is_alike = [&](Mapping const& mapping) {
        return !mapping.object && mapping.access == access && mapping.flags == flags && mapping.allowed == all_access;
    };
    bool const joins_upper = upper != nullptr && upper->start == start + length && is_alike(*upper);
    if (lower != nullptr && lower->end() == start && is_alike(*lower)) {
        resize_locked(*lower, lower->start, lower->page_count + length / page_size);
        if (joins_upper)
            merge_with_neighbours_locked(*lower);
        return true;
    }
    if (!joins_upper)
        return false;
    resize_locked(*upper, start, upper->page_count + length / page_size);
    return true;
}

Result<> AddressSpace::unmap(VirtAddr address, std::uint64_t length) {
    TRY(check_range(address, length));
    LockGuard guard(mapping_lock_);
    return unmap_locked(address, length);
}

Result<> AddressSpace::unmap_locked(VirtAddr start, std::uint64_t length) {
    auto const end = start + length;
    auto* const first = first_mapping_after_locked(start);
    if (first == nullptr || first->start >= end)
        return {};
    // Only a hole in the middle of a mapping needs another one.
    if (first->start < start && first->end() > end)
        TRY(split_at_locked(end));
    bool has_pages = false;
    bool has_private = false;
    for (auto const* mapping = first;;) {
        has_pages |= mapping->is_touched;
        has_private |= mapping->is_touched && mapping->is_private();
        if (mapping->end() >= end)
            break;
        mapping = Mappings::next(*mapping);
        if (mapping == nullptr || mapping->start >= end)
            break;
    }
    if (has_pages)
        forget_pages(start, length / page_size);
    if (has_private)
        TRY(private_pages_.erase(place_of(start), length / page_size, account()));
    if (end > search_top_)
        search_from_locked(end, first->start < start ? first : Mappings::previous(*first));
    for (auto* mapping = first; mapping != nullptr && mapping->start < end;) {
        auto* const next = mapping->end() < end ? Mappings::next(*mapping) : nullptr;
        if (mapping->start < start) {
            resize_locked(*mapping, mapping->start, (start - mapping->start) / page_size);
        } else if (mapping->end() > end) {
            resize_locked(*mapping, end, (mapping->end() - end) / page_size);
        } else {
            remove_locked(*mapping);
            free_mapping(*mapping);
        }
        mapping = next;
    }
    return {};
}

void AddressSpace::clear() {
    LockGuard guard(mapping_lock_);
    forget_pages(first_address(), (last_address() - first_address()) / page_size);
    private_pages_.clear();
    remove_all_locked();
}

void AddressSpace::remove_all_locked() {
    UnchargeBatch batch;
    while (auto* const mapping = mappings_.pop_for_teardown()) {
        if (mapping->object) {
            LockGuard guard(mapping->object->lock());
            mapping->object->remove_view_locked(*mapping);
        }
        mapping->~Mapping();
        mem::heap_free(mapping, sizeof(Mapping));
        batch.add(account().id(), mem::heap_charge(sizeof(Mapping)));
    }
    last_found_ = nullptr;
    mapping_count_ = 0;
    mapped_pages_.store(0, std::memory_order_relaxed);
    search_from_locked(last_address(), nullptr);
}

// Budget: 420 instructions for a page inside a mapping, which splits it or puts it together again (mprotect_1).
Result<> AddressSpace::protect(VirtAddr address, std::uint64_t length, abi::Access access) {
    TRY(check_range(address, length));
    LockGuard guard(mapping_lock_);
    auto const end = address + length;
    auto* mapping = mapping_at_locked(address);
    auto covered = address;
    for (auto* each = mapping; covered < end; each = Mappings::next(*each)) {
        if (each == nullptr || each->start > covered)
            return fail(Error::not_found);
        if (!has(each->allowed, access))
            return fail(Error::access_denied);
        TRY(check_access(access, each->flags));
        covered = each->end();
    }
    if (mapping->start < address)
        mapping = TRY(split_locked(*mapping, address));
    if (covered > end) {
        auto* const last = mapping->end() == covered ? mapping : mapping_at_locked(end);
        TRY(split_locked(*last, end));
    }
    bool const is_visible = access != abi::Access::none;
    bool has_changed = false;
    bool has_pages = false;
    while (mapping != nullptr && mapping->start < end) {
        mapping->access = access;
        has_pages |= mapping->is_touched;
        if (is_visible && mapping->is_touched)
            has_changed |= change_entries_locked(*mapping);
        mapping = Mappings::next(merge_with_neighbours_locked(*mapping));
    }
    if (!is_visible && has_pages)
        forget_pages(address, length / page_size);
    else if (has_changed)
        flush(address, length / page_size);
    return {};
}

// Shows what is shown of the mapping with the access that it has now. Returns whether that is another than before.
bool AddressSpace::change_entries_locked(Mapping const& mapping) {
    // Write permission is only ever taken here; it comes back with the next write, which knows about copies.
    auto const change = [&](paging::Entry entry, int level) {
        return entry_for(mapping, arch::PageFormat::address(entry, level), arch::PageFormat::is_writable(entry), level);
    };
    LockGuard table_guard(page_table_lock_);
    Tables pages(*this);
    PageTables tables(restricted_root_, pages);
    if (mapping.page_count > 1)
        return tables.update(mapping.start, mapping.page_count * page_size, change);
    auto const block = mapping.start.value / paging::bytes_of(1);
    auto const place =
        block == recent_block_ && recent_table_.value != 0
            ? PageTables::Place{&Tables::entries(recent_table_)[paging::index_at(mapping.start, 0)], recent_table_}
            : tables.find(mapping.start);
    auto const old_entry = place.entry != nullptr ? paging::load_entry(*place.entry) : 0;
    if (!arch::PageFormat::is_present(old_entry) || change(old_entry, 0) == old_entry)
        return false;
    paging::store_entry(*place.entry, change(old_entry, 0));
    return true;
}

Result<VirtAddr> AddressSpace::move(VirtAddr address, std::uint64_t length, VirtAddr new_address,
                                    std::uint64_t new_length, abi::MapFlags flags) {
    TRY(check_range(address, length));
    if (new_length == 0 || !is_aligned(new_length, page_size))
        return fail(Error::invalid_argument);
    if (new_length > last_address() - first_address())
        return fail(Error::out_of_range);
    LockGuard guard(mapping_lock_);
    return move_locked(address, length, new_address, new_length, flags);
}

// Makes [address, address + length) a mapping of its own, which is shown nowhere any more, and moves its private pages.
Result<Mapping*> AddressSpace::move_pages_locked(VirtAddr address, std::uint64_t length, VirtAddr target,
                                                 std::uint64_t new_length, bool is_replacing) {
    if (is_replacing)
        TRY(unmap_locked(target, new_length));
    TRY(split_at_locked(address));
    TRY(split_at_locked(address + length));
    auto* const mapping = mapping_at_locked(address);
    forget_pages(address, length / page_size);
    if (!mapping->is_private())
        return mapping;
    if (new_length < length)
        TRY(private_pages_.erase(place_of(address + new_length), (length - new_length) / page_size, account()));
    TRY(private_pages_.move(place_of(address), std::min(length, new_length) / page_size, place_of(target), account()));
    return mapping;
}

Result<VirtAddr> AddressSpace::move_locked(VirtAddr address, std::uint64_t length, VirtAddr new_address,
                                           std::uint64_t new_length, abi::MapFlags flags) {
    auto* mapping = mapping_at_locked(address);
    if (mapping == nullptr || mapping->end() < address + length)
        return fail(Error::not_found);
    bool const is_fixed = has(flags, abi::MapFlags::fixed);
    if (!is_fixed && new_length <= length) {
        if (new_length < length)
            TRY(unmap_locked(address + new_length, length - new_length));
        return address;
    }
    if (mapping->object) {
        auto const offset = mapping->page_of_object(address) * page_size;
        auto const size = align_up(mapping->object->size(), page_size);
        if (new_length > length && (offset > size || new_length > size - offset))
            return fail(Error::out_of_range);
    }
    if (!is_fixed && mapping->end() == address + length && check_range(address, new_length) &&
        is_free_locked(mapping->end(), new_length - length)) {
        resize_locked(*mapping, mapping->start, mapping->page_count + (new_length - length) / page_size);
        merge_with_neighbours_locked(*mapping);
        return address;
    }
    auto const target = TRY(place_locked(new_address, new_length, flags)).start;
    if (target < address + length && address < target + new_length)
        return fail(Error::invalid_argument);
    auto& moved = *TRY(make_mapping());
    auto const prepared = move_pages_locked(address, length, target, new_length, is_fixed);
    if (!prepared) {
        free_mapping(moved);
        return fail(prepared.error());
    }
    mapping = *prepared;
    moved.show_same_as(*mapping);
    moved.start = target;
    moved.page_count = new_length / page_size;
    if (mapping->end() > search_top_)
        search_from_locked(mapping->end(), nullptr);
    remove_locked(*mapping);
    free_mapping(*mapping);
    insert_locked(moved);
    merge_with_neighbours_locked(moved);
    return target;
}

Result<> AddressSpace::discard(VirtAddr address, std::uint64_t length) {
    TRY(check_range(address, length));
    LockGuard guard(mapping_lock_);
    auto const end = address + length;
    for (auto* mapping = first_mapping_after_locked(address); mapping != nullptr && mapping->start < end;
         mapping = Mappings::next(*mapping)) {
        if (!mapping->is_private())
            continue;
        auto const from = std::max(address, mapping->start);
        auto const count = (std::min(end, mapping->end()) - from) / page_size;
        forget_pages(from, count);
        TRY(private_pages_.erase(place_of(from), count, account()));
    }
    return {};
}

// ---- Reports.

std::size_t AddressSpace::query(VirtAddr address, std::span<abi::MappingInfo> into) {
    LockGuard guard(mapping_lock_);
    std::size_t count = 0;
    for (auto* mapping = first_mapping_after_locked(address); mapping != nullptr && count < into.size();
         mapping = Mappings::next(*mapping)) {
        auto const length = mapping->page_count * page_size;
        into[count++] = {.start = mapping->start.value,
                         .length = length,
                         .offset = mapping->first_page * page_size,
                         .object_id = mapping->object ? mapping->object->id() : 0,
                         .access = mapping->access,
                         .flags = mapping->flags,
                         .resident_bytes = resident_pages_in(mapping->start, length) * page_size};
    }
    return count;
}

void AddressSpace::fill(abi::AddressSpaceInfo& info) {
    LockGuard guard(mapping_lock_);
    info = {};
    info.mapped_bytes = mapped_bytes();
    info.mappings = mapping_count_;
    info.page_table_bytes = table_pages_.load(std::memory_order_relaxed) * page_size;
    LockGuard table_guard(page_table_lock_);
    info.resident_bytes = resident_pages_ * page_size;
    info.large_bytes = large_leaves_ * huge_page_size;
}

}  // namespace astrata::kernel
