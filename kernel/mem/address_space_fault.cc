// Page faults, and access to the pages of spaces that are not current. This is the hottest path of memory management:
// its steps are functions for the reader, and inlined for the machine.
#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "kernel/mem/address_space.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/reclaim.h"

namespace astrata::kernel {

using mem::page_bytes;
using mem::Zero;

namespace {

constexpr int attempt_limit = 64;           // requests in a row after which the page is still missing
constexpr std::uint64_t around_pages = 16;  // entered at once where they are at hand

// No machine of ours can forbid reading what may be written or executed.
bool permits(Mapping const& mapping, abi::Access access) {
    return access != abi::Access::none &&
           (has(mapping.access, access) || (access == abi::Access::read && mapping.access != abi::Access::none));
}

}  // namespace

Result<> AddressSpace::handle_fault(VirtAddr address, abi::Access access) {
    VirtAddr const page{align_down(address.value, page_size)};
    bool was_refused = false;
    auto const reclaimed_before = mem::reclaimed_pages();
    for (int attempt = 0; attempt < attempt_limit; ++attempt) {
        Missing missing;
        std::optional<Error> error;
        {
            LockGuard guard(mapping_lock_);
            auto const resolution = resolve_locked(page, access, missing);
            if (resolution && *resolution == Resolution::resolved) [[likely]]
                return {};
            if (!resolution)
                error = resolution.error();
        }
        if (error) {
            auto& payer = missing.object ? missing.object->account() : account();
            was_refused = *error == Error::no_memory;
            if (was_refused && mem::make_room(payer))
                continue;
            return fail(*error);
        }
        TRY(MemoryObject::request(missing.lookup, 1));
    }
    // Others took what was given back for the page, or the page itself before it could be shown; or its pager does not
    // give it.
    return fail(was_refused || mem::reclaimed_pages() != reclaimed_before ? Error::no_memory : Error::io);
}

[[gnu::always_inline]] inline Result<AddressSpace::Resolution>
AddressSpace::resolve_locked(VirtAddr page, abi::Access access, Missing& missing) {
    auto* const mapping = mapping_at_locked(page);
    if (mapping == nullptr || !permits(*mapping, access))
        return fail(Error::bad_address);
    bool const is_write = has(access, abi::Access::write);
    mapping->is_touched = true;
    if (!mapping->is_private())
        return resolve_shared_locked(*mapping, page, is_write, missing);
    return is_write ? resolve_private_write_locked(*mapping, page, missing)
                    : resolve_private_read_locked(*mapping, page, missing);
}

Result<AddressSpace::Resolution> AddressSpace::resolve_shared_locked(Mapping& mapping, VirtAddr page, bool is_write,
                                                                     Missing& missing) {
    auto& object = *mapping.object;
    LockGuard guard(object.lock());
    auto const index = mapping.page_of_object(page);
    // What strates share with each other, such as the buffers of a disk, is what makes room when memory is short.
    auto const reserve = is_guest() ? mem::Reserve::keep : mem::Reserve::may_use;
    auto found = is_write ? object.page_for_write_locked(index, reserve) : object.page_for_read_locked(index);
    if (!found)
        missing.object = mapping.object;
    auto const lookup = TRY(std::move(found));
    switch (lookup.state) {
    case MemoryObject::PageState::beyond_end: return fail(Error::bad_address);
    case MemoryObject::PageState::needs_pager: missing = {mapping.object, lookup}; return Resolution::needs_pager;
    case MemoryObject::PageState::absent:
        TRY(enter_page(mapping, page, mem::zero_page(), false));
        return Resolution::resolved;
    case MemoryObject::PageState::present: break;
    }
    TRY(is_write ? enter_page(mapping, page, lookup.page, lookup.may_write) : enter_around(mapping, page));
    return Resolution::resolved;
}

Result<AddressSpace::Resolution> AddressSpace::resolve_private_read_locked(Mapping& mapping, VirtAddr page,
                                                                           Missing& missing) {
    auto const found = private_pages_.find(place_of(page));
    if (!mapping.object) {
        if (!found) {
            TRY(enter_page(mapping, page, mem::zero_page(), false));
            return Resolution::resolved;
        }
        TRY(enter_around(mapping, page));
        return Resolution::resolved;
    }
    auto& object = *mapping.object;
    LockGuard guard(object.lock());
    if (!found) {
        auto const lookup = object.page_for_read_locked(mapping.page_of_object(page));
        switch (lookup.state) {
        case MemoryObject::PageState::beyond_end: return fail(Error::bad_address);
        case MemoryObject::PageState::needs_pager: missing = {mapping.object, lookup}; return Resolution::needs_pager;
        case MemoryObject::PageState::absent:
            TRY(enter_page(mapping, page, mem::zero_page(), false));
            return Resolution::resolved;
        case MemoryObject::PageState::present: break;
        }
    }
    TRY(enter_around(mapping, page));
    return Resolution::resolved;
}

[[gnu::always_inline]] inline Result<AddressSpace::Resolution>
AddressSpace::resolve_private_write_locked(Mapping& mapping, VirtAddr page, Missing& missing) {
    if (mapping.page_count >= pages_per_large) [[unlikely]] {
        VirtAddr const block{align_down(page.value, huge_page_size)};
        if (may_be_large(mapping, block) && enter_large_locked(mapping, block))
            return Resolution::resolved;
    }
    auto slot = TRY(private_pages_.slot_for(place_of(page), account()));
    auto const found = slot.found();
    if (found && found.is_exclusive) {
        TRY(enter_page(mapping, page, found.page, true));
        return Resolution::resolved;
    }
    // The page is private to this space from here on: until it is in the tree, whoever fails gives it back.
    struct Fresh {
        PhysAddr page;
        ~Fresh() {
            if (page.value == 0)
                return;
            UnchargeBatch batch;
            mem::drop_tree(page, batch);
        }
    } fresh;
    auto const reserve = is_guest() ? mem::Reserve::keep : mem::Reserve::may_use;
    if (found) {
        fresh.page = TRY(mem::allocate_user_page(account(), Zero::no, reserve));
        arch::copy_page(page_bytes(fresh.page).data(), page_bytes(found.page).data());
    } else if (!mapping.object) {
        fresh.page = TRY(mem::allocate_user_page(account(), Zero::yes, reserve));
    } else {
        fresh.page = TRY(mem::allocate_user_page(account(), Zero::no, reserve));
        LockGuard guard(mapping.object->lock());
        auto const lookup = mapping.object->page_for_read_locked(mapping.page_of_object(page));
        switch (lookup.state) {
        case MemoryObject::PageState::beyond_end: return fail(Error::bad_address);
        case MemoryObject::PageState::needs_pager: missing = {mapping.object, lookup}; return Resolution::needs_pager;
        case MemoryObject::PageState::absent: arch::clear_page(page_bytes(fresh.page).data()); break;
        case MemoryObject::PageState::present:
            arch::copy_page(page_bytes(fresh.page).data(), page_bytes(lookup.page).data());
            break;
        }
    }
    TRY(enter_page(mapping, page, fresh.page, true));
    slot.set(fresh.page);
    // What the tree had is shown by nobody here any more; the new page is the tree's.
    fresh.page = found.page;
    return Resolution::resolved;
}

[[gnu::always_inline]] inline Result<AddressSpace::PageTables::Place> AddressSpace::place_for_locked(PageTables& tables,
                                                                                                     VirtAddr address) {
    auto const block = address.value / paging::bytes_of(1);
    if (block == recent_block_ && recent_table_.value != 0)
        return PageTables::Place{&Tables::entries(recent_table_)[paging::index_at(address, 0)], recent_table_};
    auto place = tables.place_for(address);
    if (!place && place.error() == Error::already_exists) {
        // Never at the edge of the larger page.
        TRY(split_large_locked(tables, VirtAddr{address.value | 1}));
        place = tables.place_for(address);
    }
    auto const found = TRY(place);
    recent_block_ = block;
    recent_table_ = found.table;
    return found;
}

// Shows `page` at `address`, in place of whatever was shown there.
[[gnu::always_inline]] inline Result<> AddressSpace::enter_page(Mapping const& mapping, VirtAddr address, PhysAddr page,
                                                                bool may_write) {
    auto const entry = entry_for(mapping, page, may_write);
    bool is_replaced = false;
    {
        LockGuard guard(page_table_lock_);
        Tables pages(*this);
        PageTables tables(restricted_root_, pages);
        if (large_leaves_ != 0) [[unlikely]] {
            auto* const large = large_leaf(tables, address);
            VirtAddr const block{align_down(address.value, huge_page_size)};
            if (large != nullptr && arch::PageFormat::address(*large, 1) + (address - block) == page) {
                if (!may_write || arch::PageFormat::is_writable(*large))
                    return {};
                // As after a fork, when the child has gone.
                if (has_block_alone_locked(block)) {
                    paging::store_entry(*large, entry_for(mapping, arch::PageFormat::address(*large, 1), true, 1));
                    return {};
                }
            }
        }
        auto const place = TRY(place_for_locked(tables, address));
        auto const old_entry = paging::load_entry(*place.entry);
        if (old_entry == entry)
            return {};
        if (arch::PageFormat::is_present(old_entry))
            is_replaced = arch::PageFormat::address(old_entry, 0) != page;
        else
            ++resident_pages_;
        tables.set(place, entry);
    }
    // More permission for the same page needs no flush: a TLB that knows less faults once more.
    if (is_replaced)
        flush(address, 1);
    return {};
}

// What is in memory of the pages from `at` on, as the mapping shows them. The locks of what it shows are held.
MemoryObject::Run AddressSpace::resident_locked(Mapping const& mapping, VirtAddr at) NO_THREAD_SAFETY_ANALYSIS {
    if (!mapping.is_private())
        return mapping.object->resident_locked(mapping.page_of_object(at));
    auto const own = private_pages_.run_at(place_of(at));
    if (!mapping.object)
        return {.frames = own.frames, .present = own.present, .count = own.count, .may_write = own.is_exclusive};
    // A run ends where pages of the space's own and the object's take turns.
    bool const is_own = (own.present & 1) != 0;
    auto const count =
        std::min(own.count, static_cast<std::uint64_t>(std::countr_one(is_own ? own.present : ~own.present)));
    if (is_own)
        return {.frames = own.frames, .present = own.present, .count = count, .may_write = own.is_exclusive};
    auto shown = mapping.object->resident_locked(mapping.page_of_object(at));
    // Beyond the object's end there may still be pages of the space's own.
    shown.count = shown.count == 0 ? count : std::min(shown.count, count);
    shown.may_write = false;
    return shown;
}

namespace {

// Fills the absent ones of the `entries` that `wanted` has bits for. Returns how many there were.
template <typename Leaf>
[[gnu::always_inline]] inline std::uint32_t enter_leaves(std::span<paging::Entry> entries, std::uint64_t wanted,
                                                         Leaf leaf) {
    std::uint32_t entered = 0;
    for (; wanted != 0; wanted &= wanted - 1) {
        auto const offset = static_cast<unsigned>(std::countr_zero(wanted));
#pragma clang unsafe_buffer_usage begin  // there are as many entries as `wanted` may have bits
        auto& entry = entries.data()[offset];
#pragma clang unsafe_buffer_usage end
        if (arch::PageFormat::is_present(paging::load_entry(entry)))
            continue;
        paging::store_entry(entry, leaf(offset));
        ++entered;
    }
    return entered;
}

}  // namespace

// Enters what is in memory of [start, end) and not shown yet; one lowest table covers the range, and the locks of what
// the mapping shows are held. Returns where the first page is that is still not shown, or not as `access` wants it.
// Budget: 20 instructions for a page (map_page_in_batch, file_map_fault).
Result<VirtAddr> AddressSpace::enter_resident_locked(Mapping const& mapping, VirtAddr start, VirtAddr end,
                                                     abi::Access access) {
    using Format = arch::PageFormat;
    auto attributes = attributes_of(mapping);
    bool const is_writable = std::exchange(attributes.write, false);
    bool const wants_write = has(access, abi::Access::write);
    LockGuard guard(page_table_lock_);
    Tables pages(*this);
    PageTables tables(restricted_root_, pages);
    if (large_leaves_ != 0) [[unlikely]] {
        if (auto const* const large = large_leaf(tables, start); large != nullptr)
            return wants_write && !Format::is_writable(*large) ? start : end;
    }
    auto const table = TRY(place_for_locked(tables, start)).table;
    auto const entries = Tables::entries(table);
    auto const writable = Format::leaf(
        {0}, {.write = true, .execute = attributes.execute, .user = attributes.user, .uncached = attributes.uncached},
        0);
    auto const read_only = Format::leaf({0}, attributes, 0);
    auto index = paging::index_at(start, 0);
    auto const limit = index + (end - start) / page_size;
    auto served = index;  // the first page that does not serve
    std::uint32_t entered = 0;
    while (index < limit) {
        auto const run = resident_locked(mapping, end - (limit - index) * page_size);
        if (run.count == 0)
            break;
        // What is empty may be longer.
        auto const count =
            static_cast<unsigned>(std::min<std::uint64_t>({limit - index, run.count, mem::PageTree::fanout}));
        auto const present = run.present & ~std::uint64_t{0} >> (mem::PageTree::fanout - count);
        auto const here = entries.subspan(index, count);
        bool const may_write = is_writable && run.may_write;
        if (run.frames == nullptr)
            entered += enter_leaves(here, present, [&, leaf = may_write ? writable : read_only](unsigned offset) {
                return Format::with_page(leaf, run.first + offset * page_size);
            });
        else if (!may_write)
            entered += enter_leaves(here, present, [read_only, frames = run.frames](unsigned offset) {
                return Format::with_page(read_only, mem::page_at(frames, offset));
            });
        else
            entered += enter_leaves(here, present, [&](unsigned offset) {
                auto const page = mem::page_at(run.frames, offset);
                return Format::with_page(run.may_write_page(page) ? writable : read_only, page);
            });
        Tables::add_groups(table, index / paging::entries_per_group, (index + count - 1) / paging::entries_per_group);
        if (served == index) {
            auto const in_memory = here.first(static_cast<unsigned>(std::countr_one(present)));
            auto const end_of_good =
                wants_write ? std::ranges::find_if_not(in_memory, Format::is_writable) : in_memory.end();
            served += static_cast<unsigned>(end_of_good - in_memory.begin());
        }
        index += count;
    }
    Tables::used(table) += entered;
    resident_pages_ += entered;
    return end - (limit - served) * page_size;
}

// A page that is in memory, with its neighbours.
Result<> AddressSpace::enter_around(Mapping const& mapping, VirtAddr address) {
    VirtAddr const window{align_down(address.value, around_pages * page_size)};
    auto const first = std::max(window, mapping.start);
    auto const end = std::min(window + around_pages * page_size, mapping.end());
    TRY(enter_resident_locked(mapping, first, end, abi::Access::read));
    return {};
}

// The same for any range, whose mappings are looked up.
VirtAddr AddressSpace::show_resident_locked(VirtAddr at, VirtAddr end, abi::Access access) {
    while (at < end) {
        auto* const mapping = mapping_at_locked(at);
        if (mapping == nullptr || !permits(*mapping, access))
            break;
        auto const block_end = VirtAddr{align_down(at.value, paging::bytes_of(1)) + paging::bytes_of(1)};
        auto const limit = std::min({end, mapping->end(), block_end});
        mapping->is_touched = true;
        auto reached = at;
        if (mapping->object) {
            LockGuard guard(mapping->object->lock());
            reached = enter_resident_locked(*mapping, at, limit, access).value_or(at);
        } else {
            reached = enter_resident_locked(*mapping, at, limit, access).value_or(at);
        }
        at = reached;
        if (reached < limit)
            break;
    }
    return at;
}

// What is in memory comes in by tables, the rest as if it were touched.
void AddressSpace::populate(VirtAddr start, std::uint64_t length, abi::Access access) {
    auto const kind = has(access, abi::Access::write) ? abi::Access::write : access;
    for (auto at = start; at < start + length;) {
        // What cannot be had now is tried again at the first access.
        if (!handle_fault(at, kind))
            return;
        LockGuard guard(mapping_lock_);
        at = show_resident_locked(at + page_size, start + length, kind);
    }
}

Result<> AddressSpace::commit(VirtAddr address, std::uint64_t length) {
    if (length == 0 || !is_aligned(length, page_size))
        return fail(Error::invalid_argument);
    TRY(check_range(address, length));
    // Asked once for all: what others take meanwhile may eat into the reserve, which is what it is for.
    while (!account().has_room_beside_reserve(length) || !mem::has_frames_beside_reserve(length / page_size)) {
        if (!mem::make_room(account(), {}, length / page_size))
            return fail(Error::no_memory);
    }
    for (std::uint64_t done = 0; done < length; done += page_size)
        TRY(handle_fault(address + done, abi::Access::write));
    return {};
}

// Makes a page accessible and finds it through the page table, under whose lock it cannot leave its tree.
Result<AddressSpace::ReachedPage> AddressSpace::reach(VirtAddr address, bool is_write) {
    for (int attempt = 0; attempt < attempt_limit; ++attempt) {
        TRY(handle_fault(address, is_write ? abi::Access::write : abi::Access::read));
        LockGuard guard(page_table_lock_);
        Tables pages(*this);
        PageTables const tables(restricted_root_, pages);
        auto const leaf = tables.query(address);
        if (!leaf || (is_write && !leaf->attributes.write))
            continue;  // taken away again meanwhile
        if (mem::is_user_page(leaf->page))
            return ReachedPage{leaf->page, mem::PinnedPage(leaf->page)};
        // The zero page and the boot archive stay for ever; devices and contiguous memory are not to be touched here.
        bool const is_permanent =
            leaf->page == mem::zero_page() ||
            (mem::has_frame(leaf->page) && mem::frame_of(leaf->page).kind == mem::FrameKind::boot);
        if (!is_permanent || leaf->attributes.uncached)
            return fail(Error::not_supported);
        return ReachedPage{leaf->page, mem::PinnedPage()};
    }
    return fail(Error::busy);
}

Result<mem::PinnedPage> AddressSpace::pin(VirtAddr address) {
    TRY(check_range({align_down(address.value, page_size)}, page_size));
    auto reached = TRY(reach(address, true));
    if (!reached.pin)
        return fail(Error::not_supported);
    return std::move(reached.pin);
}

template <typename Copy>
Result<std::uint64_t> AddressSpace::transfer(VirtAddr address, std::uint64_t length, bool is_write, Copy copy) {
    std::uint64_t done = 0;
    while (done < length) {
        auto const at = address + done;
        if (at < first_address() || at >= last_address())
            break;
        auto const page = reach(at, is_write);
        if (!page) {
            if (done > 0)
                break;
            return fail(page.error());
        }
        auto const count = std::min(page_size - at.page_offset(), length - done);
        TRY(copy(page_bytes(page->page).subspan(at.page_offset(), count), done));
        done += count;
    }
    return done > 0 || length == 0 ? Result<std::uint64_t>(done) : fail(Error::bad_address);
}

Result<std::uint64_t> AddressSpace::read(VirtAddr address, UserBytesOut into) {
    return transfer(address, into.length, false, [&](MutableBytes page, std::uint64_t done) {
        return copy_out(into.part(done, page.size()), page);
    });
}

Result<std::uint64_t> AddressSpace::write(VirtAddr address, UserBytesIn from) {
    return transfer(address, from.length, true,
                    [&](MutableBytes page, std::uint64_t done) { return copy_in(page, from.part(done, page.size())); });
}

}  // namespace astrata::kernel
