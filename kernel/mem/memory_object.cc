#include "kernel/mem/memory_object.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/mem/address_space.h"
#include "kernel/mem/kernel_space.h"
#include "kernel/mem/pager.h"
#include "kernel/object/make_object.h"

namespace astrata::kernel {

using mem::allocate_user_page;
using mem::page_bytes;
using mem::PinnedPage;
using mem::Zero;

namespace {

constexpr std::uint64_t request_limit = 32;  // pages that one read or write asks its pager for at once
constexpr std::uint64_t scan_limit = 1024;   // pages that one search for clean ones looks at, under the lock
constexpr int unanswered_limit = 64;         // requests in a row after which the page is still missing

Result<> check_size(std::uint64_t size) {
    return size <= MemoryObject::size_limit ? ok() : fail(Error::out_of_range);
}

}  // namespace

MemoryObject::MemoryObject(Ref<Account> account, Kind kind, std::uint64_t size, RefOrNull<MemoryObject> backing,
                           RefOrNull<KernelObject> pager, std::uint64_t key)
    : KernelObject(abi::ObjectKind::memory_object, std::move(account)), kind_(kind), key_(key),
      pager_(std::move(pager)), backing_(std::move(backing)), lock_(backing_ ? backing_->lock_ : own_lock_),
      size_(size) {}

// The analysis cannot see that a backing object's lock is this object's.
MemoryObject::~MemoryObject() NO_THREAD_SAFETY_ANALYSIS {
    if (kind_ == Kind::paged)
        mem::remove_paged_object(*this);
    if (backing_) {
        LockGuard guard(lock_);
        auto** link = &backing_->first_shadow_;
        while (*link != this && *link != nullptr)
            link = &(*link)->next_shadow_;
        if (*link == this) {
            *link = next_shadow_;
            --backing_->shadow_count_;
        }
    }
    if (kind_ == Kind::contiguous && base_.value != 0) {
        mem::free_contiguous(base_, pages_for(size_));
        account().uncharge(align_up(size_, page_size));
    }
}

Result<Ref<MemoryObject>> MemoryObject::create(Account& account, std::uint64_t size) {
    TRY(check_size(size));
    return make_object<MemoryObject>(account, Kind::anonymous, size);
}

Result<Ref<MemoryObject>> MemoryObject::create_paged(Account& account, Ref<KernelObject> pager, std::uint64_t key,
                                                     std::uint64_t size) {
    TRY(check_size(size));
    auto object = TRY(make_object<MemoryObject>(account, Kind::paged, size, RefOrNull<MemoryObject>(),
                                                RefOrNull<KernelObject>(std::move(pager)), key));
    mem::add_paged_object(*object);
    return object;
}

Result<Ref<MemoryObject>> MemoryObject::create_physical(Account& account, PhysAddr start, std::uint64_t size,
                                                        Caching caching) {
    if (!start.is_page_aligned())
        return fail(Error::invalid_argument);
    constexpr std::uint64_t physical_limit = std::uint64_t{1} << 52;
    if (size > physical_limit || start.value > physical_limit - size)
        return fail(Error::out_of_range);
    auto object = TRY(make_object<MemoryObject>(account, Kind::physical, size));
    object->base_ = start;
    object->caching_ = caching;
    return object;
}

Result<Ref<MemoryObject>> MemoryObject::create_contiguous(Account& account, std::uint64_t size) {
    if (size == 0 || size > size_limit)
        return fail(Error::out_of_range);
    // Before anything that cannot be is charged, if only for a moment: accounts above would refuse others meanwhile.
    if (size > mem::contiguous_limit)
        return fail(Error::no_memory);
    auto object = TRY(make_object<MemoryObject>(account, Kind::contiguous, size));
    auto charge = TRY(PendingCharge::make(account, align_up(size, page_size)));
    object->base_ = TRY(mem::allocate_contiguous(pages_for(size), mem::FrameKind::contiguous, Zero::yes, true));
    charge.keep();
    return object;
}

Result<Ref<MemoryObject>> MemoryObject::clone(Account& payer, std::uint64_t offset, std::uint64_t size,
                                              abi::CloneKind kind) {
    if (!is_aligned(offset, page_size))
        return fail(Error::invalid_argument);
    if (offset > size_limit || size > size_limit - offset)
        return fail(Error::out_of_range);
    if (!can_be_copied())
        return fail(Error::not_supported);
    bool const is_shadow = kind == abi::CloneKind::shadow || kind_ == Kind::physical;
    if (is_shadow ? shadow_depth_ == shadow_depth_limit : kind_ == Kind::paged)
        return fail(Error::not_supported);
    // A snapshot of a shadow stands before the same object.
    auto backing = is_shadow ? RefOrNull<MemoryObject>(Ref<MemoryObject>::share(*this)) : backing_;
    auto clone = TRY(make_object<MemoryObject>(payer, Kind::anonymous, size, std::move(backing)));
    clone->shadow_depth_ = static_cast<std::uint8_t>(shadow_depth_ + (is_shadow ? 1 : 0));
    TRY(snapshot_into(*clone, offset / page_size));
    return clone;
}

// Connects a new clone. The locks: the clone's is this object's if there is a backing object, and else nobody knows the
// clone yet, so that this object's lock is enough; which the analysis cannot see.
Result<> MemoryObject::snapshot_into(MemoryObject& clone, std::uint64_t first_page) NO_THREAD_SAFETY_ANALYSIS {
    LockGuard guard(lock_);
    auto const page_count = pages_for(clone.size_);
    if (first_page * page_size + clone.size_ > align_up(size_, page_size))
        return fail(Error::out_of_range);
    if (clone.backing_) {
        bool const is_shadow = clone.backing_.get() == this;
        clone.backing_first_ = first_page + (is_shadow ? 0 : backing_first_);
        auto const shown = is_shadow ? page_count : backing_count_ - std::min(first_page, backing_count_);
        clone.backing_count_ = std::min(shown, page_count);
        clone.next_shadow_ = clone.backing_->first_shadow_;
        clone.backing_->first_shadow_ = &clone;
        ++clone.backing_->shadow_count_;
        if (is_shadow)
            return {};
    }
    // What is shared from here on must not be written through page tables any more.
    for (auto& view : views_)
        view.space->protect_view(view);
    clone.tree_ = tree_.share();
    clone.tree_first_ = tree_first_ + first_page;
    auto const end = clone.tree_first_ + page_count;
    TRY(clone.tree_.erase(0, clone.tree_first_, clone.account()));
    TRY(clone.tree_.erase(end, mem::PageTree::page_limit - end, clone.account()));
    return clone.zero_tail_locked(clone.size_);
}

void MemoryObject::fill(abi::MemoryObjectInfo& info) {
    LockGuard guard(lock_);
    info = {};
    info.size = size_;
    info.id = id();
    info.clones = shadow_count_;
    info.resident_bytes = is_fixed() ? align_up(size_, page_size)
                                     : tree_.count(tree_first_, tree_first_ + page_count_locked()) * page_size;
}

// Down the chain of backing objects, all under the one lock.
MemoryObject::PageLookup MemoryObject::page_for_read_locked(std::uint64_t index) NO_THREAD_SAFETY_ANALYSIS {
    if (index >= page_count_locked())
        return {.state = PageState::beyond_end};
    for (auto* object = this;;) {
        bool const is_own = object == this;
        if (object->is_fixed())
            return {.state = PageState::present, .may_write = is_own, .page = object->base_ + index * page_size};
        if (object->tree_.is_empty()) {
            // As is the tree of a file that nobody has changed since it came with the boot archive.
        } else if (auto const found = object->tree_.find(object->tree_first_ + index))
            // The first write to a page that came from a pager must be noticed.
            return {.state = PageState::present,
                    .may_write = is_own && found.is_exclusive && (kind_ != Kind::paged || mem::is_dirty(found.page)),
                    .page = found.page};
        if (object->kind_ == Kind::paged)
            return {.state = PageState::needs_pager, .paged = object, .paged_index = index};
        if (!object->backing_ || index >= object->backing_count_)
            return {.state = PageState::absent};
        index += object->backing_first_;
        object = object->backing_.get();
        if (index >= object->page_count_locked())  // it has shrunk
            return {.state = PageState::absent};
    }
}

MemoryObject::Run MemoryObject::resident_locked(std::uint64_t index) NO_THREAD_SAFETY_ANALYSIS {
    if (index >= page_count_locked())
        return {};
    auto count = std::min<std::uint64_t>(mem::PageTree::fanout, page_count_locked() - index);
    for (auto* object = this;;) {
        bool const is_own = object == this;
        if (object->is_fixed())
            return {.first = object->base_ + index * page_size,
                    .present = ~std::uint64_t{0},
                    .count = count,
                    .may_write = is_own};
        bool const is_last = object->kind_ == Kind::paged || !object->backing_;
        if (!object->tree_.is_empty()) {
            auto const run = object->tree_.run_at(object->tree_first_ + index);
            count = std::min(count, run.count);
            // Before another object, a run ends where the two take turns.
            bool const is_here = (run.present & 1) != 0;
            if (!is_last)
                count =
                    std::min(count, static_cast<std::uint64_t>(std::countr_one(is_here ? run.present : ~run.present)));
            if (is_last || is_here)
                return {.frames = run.frames,
                        .present = run.present,
                        .count = count,
                        .may_write = is_own && run.is_exclusive,
                        .must_be_dirty = object->kind_ == Kind::paged};
        }
        if (is_last || index >= object->backing_count_)
            return {.count = is_last ? count : 1};
        count = std::min(count, object->backing_count_ - index);
        index += object->backing_first_;
        object = object->backing_.get();
        if (index >= object->page_count_locked())  // it has shrunk
            return {.count = 1};
        count = std::min(count, object->page_count_locked() - index);
    }
}

Result<MemoryObject::PageLookup> MemoryObject::page_for_write_locked(std::uint64_t index, mem::Reserve reserve) {
    if (is_fixed() || index >= page_count_locked())
        return page_for_read_locked(index);
    auto slot = TRY(tree_.slot_for(tree_first_ + index, account()));
    auto const found = slot.found();
    if (found && found.is_exclusive) {
        if (kind_ == Kind::paged)
            mem::note_dirty(found.page);
        return PageLookup{.state = PageState::present, .may_write = true, .page = found.page};
    }
    auto const shown = page_for_read_locked(index);
    if (shown.state == PageState::needs_pager)
        return shown;
    bool const has_content = shown.state == PageState::present;
    auto const page = TRY(allocate_user_page(account(), has_content ? Zero::no : Zero::yes, reserve));
    if (has_content)
        arch::copy_page(page_bytes(page).data(), page_bytes(shown.page).data());
    remove_from_views_locked(index, 1);
    slot.set(page);
    if (found) {
        UnchargeBatch batch;
        mem::drop_tree(found.page, batch);
    }
    return PageLookup{.state = PageState::present, .may_write = true, .page = page};
}

// Views of this object and of all shadows before it, in preorder; all of them under the one lock.
void MemoryObject::remove_from_views_locked(std::uint64_t first, std::uint64_t count) NO_THREAD_SAFETY_ANALYSIS {
    if (views_.is_empty() && first_shadow_ == nullptr)
        return;
    auto* object = this;
    // The range in page numbers of `object`; below zero where a shadow begins later.
    auto start = static_cast<std::int64_t>(first);
    for (;;) {
        auto const end = start + static_cast<std::int64_t>(count);
        for (auto& view : object->views_) {
            auto const view_start = static_cast<std::int64_t>(view.first_page);
            auto const from = std::max(start, view_start);
            auto const to = std::min(end, view_start + static_cast<std::int64_t>(view.page_count));
            if (from < to)
                view.space->forget_pages(view.start + static_cast<std::uint64_t>(from - view_start) * page_size,
                                         static_cast<std::uint64_t>(to - from));
        }
        if (object->first_shadow_ != nullptr) {
            object = object->first_shadow_;
            start -= static_cast<std::int64_t>(object->backing_first_);
            continue;
        }
        while (object != this && object->next_shadow_ == nullptr) {
            start += static_cast<std::int64_t>(object->backing_first_);
            object = object->backing_.get();
        }
        if (object == this)
            return;
        start += static_cast<std::int64_t>(object->backing_first_);
        object = object->next_shadow_;
        start -= static_cast<std::int64_t>(object->backing_first_);
    }
}

Result<> MemoryObject::request(PageLookup const& missing, std::uint64_t count) {
    auto& object = *missing.paged;
    return request_pages(*object.pager_, object, object.key_, missing.paged_index, count);
}

// Page by page: finds the page under the lock, pins it, copies without the lock (the other side may fault).
template <typename Copy>
Result<std::uint64_t> MemoryObject::transfer(std::uint64_t offset, std::uint64_t length, bool is_write, Copy copy) {
    if (is_uncached())
        return fail(Error::not_supported);
    std::uint64_t done = 0;
    int unanswered = 0;
    int refused = 0;
    while (done < length) {
        auto const position = offset + done;
        std::uint64_t wanted = 0;  // from here on, within the object
        PageLookup lookup;
        PinnedPage pin;
        bool is_refused = false;
        {
            LockGuard guard(lock_);
            if (position >= size_) {
                if (is_write && position > size_)
                    return fail(Error::out_of_range);
                break;
            }
            auto const found =
                is_write ? page_for_write_locked(position / page_size) : page_for_read_locked(position / page_size);
            is_refused = !found;
            lookup = found.value_or(PageLookup{});
            wanted = std::min(length - done, size_ - position);
            if (lookup.state == PageState::present && mem::is_user_page(lookup.page))
                pin = PinnedPage(lookup.page);
        }
        if (is_refused) {
            if (++refused < unanswered_limit && mem::make_room(account()))
                continue;
            if (done > 0)
                break;
            return fail(Error::no_memory);
        }
        std::uint64_t count = 0;
        Result<> step;
        if (lookup.state == PageState::needs_pager) {
            auto const pages = std::min(pages_for(position % page_size + wanted), request_limit);
            step = ++unanswered < unanswered_limit ? request(lookup, pages) : fail(Error::io);
        } else {
            unanswered = refused = 0;
            count = std::min(page_size - position % page_size, wanted);
            auto const page = lookup.state == PageState::present ? lookup.page : mem::zero_page();
            step = copy(page_bytes(page).subspan(position % page_size, count), done);
        }
        if (!step) {
            if (done > 0)
                break;
            return fail(step.error());
        }
        done += count;
    }
    return done;
}

// Pages of this object's own that are in memory, as far as they go, without what any other page may need.
// Budget: 110 instructions for a page besides the copying (pread_4k, pread_64k).
std::uint64_t MemoryObject::read_own(std::uint64_t offset, UserBytesOut into) {
    std::uint64_t done = 0;
    while (done < into.length) {
        auto const position = offset + done;
        PinnedPage pin;
        std::uint64_t count = 0;
        {
            LockGuard guard(lock_);
            if (position >= size_)
                break;
            auto const page = tree_.find(tree_first_ + position / page_size).page;
            if (page.value == 0 || !mem::is_user_page(page))
                break;
            pin = PinnedPage(page);
            count = std::min({page_size - position % page_size, into.length - done, size_ - position});
        }
        if (!copy_out(into.part(done, count), pin.bytes().subspan(position % page_size, count)))
            break;
        done += count;
    }
    return done;
}

Result<std::uint64_t> MemoryObject::read(std::uint64_t offset, UserBytesOut into) {
    auto const first = read_own(offset, into);
    if (first == into.length) [[likely]]
        return first;
    auto const rest = read_any(offset + first, into.part(first, into.length - first));
    if (!rest && first == 0)
        return rest;
    return first + rest.value_or(0);
}

Result<std::uint64_t> MemoryObject::read_any(std::uint64_t offset, UserBytesOut into) {
    return transfer(offset, into.length, false, [&](MutableBytes page, std::uint64_t done) {
        return copy_out(into.part(done, page.size()), page);
    });
}

Result<std::uint64_t> MemoryObject::write(std::uint64_t offset, UserBytesIn from) {
    return transfer(offset, from.length, true,
                    [&](MutableBytes page, std::uint64_t done) { return copy_in(page, from.part(done, page.size())); });
}

Result<std::uint64_t> MemoryObject::read_bytes(std::uint64_t offset, MutableBytes into) {
    return transfer(offset, into.size(), false, [&](MutableBytes page, std::uint64_t done) {
        std::memcpy(into.subspan(done).data(), page.data(), page.size());
        return ok();
    });
}

Result<std::uint64_t> MemoryObject::write_bytes(std::uint64_t offset, Bytes from) {
    return transfer(offset, from.size(), true, [&](MutableBytes page, std::uint64_t done) {
        std::memcpy(page.data(), from.subspan(done).data(), page.size());
        return ok();
    });
}

// What lies between the end at `size` and the end of its page must read as zero once the object grows.
Result<> MemoryObject::zero_tail_locked(std::uint64_t size) {
    auto const used = size % page_size;
    if (used == 0)
        return {};
    auto const index = size / page_size;
    if (page_for_read_locked(index).state != PageState::present)
        return {};
    auto const last = TRY(page_for_write_locked(index));
    std::ranges::fill(page_bytes(last.page).subspan(used), std::byte{0});
    return {};
}

Result<> MemoryObject::set_size(std::uint64_t size) {
    if (is_fixed())
        return fail(Error::not_supported);
    bool is_shrinking = false;
    {
        LockGuard guard(lock_);
        if (size > size_limit - tree_first_ * page_size)
            return fail(Error::out_of_range);
        // First what is most likely to fail, so that the object is whole then.
        is_shrinking = size < size_;
        if (is_shrinking)
            TRY(zero_tail_locked(size));
    }
    // Most of the pages that go; what is left, or comes back meanwhile, goes below.
    if (is_shrinking)
        TRY(drop_pages(pages_for(size), size_limit / page_size));
    LockGuard guard(lock_);
    auto const old_count = page_count_locked();
    auto const new_count = pages_for(size);
    if (size < size_)
        TRY(zero_tail_locked(size));
    if (new_count < old_count) {
        remove_from_views_locked(new_count, old_count - new_count);
        TRY(tree_.erase(tree_first_ + new_count, old_count - new_count, account()));
        backing_count_ = std::min(backing_count_, new_count);
    }
    size_ = size;
    return {};
}

Result<> MemoryObject::discard(std::uint64_t offset, std::uint64_t length) {
    if (is_fixed())
        return fail(Error::not_supported);
    auto const size = this->size();
    auto const end =
        length >= size - std::min(offset, size) ? align_up(size, page_size) : align_down(offset + length, page_size);
    auto const start = offset > end ? end : align_up(offset, page_size);
    return drop_pages(start / page_size, end / page_size);
}

// A step at a time, so that nobody waits long for the lock or the CPU. Only pages of this object's own need to go from
// page tables: what else shows there in their place stays as it is.
Result<> MemoryObject::drop_pages(std::uint64_t first, std::uint64_t end) {
    constexpr std::uint64_t step = 512;
    while (first < end) {
        LockGuard guard(lock_);
        auto const limit = std::min(end, page_count_locked());
        if (first >= limit)
            break;
        first = tree_.next_present(tree_first_ + first, tree_first_ + limit) - tree_first_;
        auto const count = std::min(step, limit - first);
        if (count == 0)
            break;
        remove_from_views_locked(first, count);
        TRY(tree_.erase(tree_first_ + first, count, account()));
        first += count;
    }
    return {};
}

std::uint64_t MemoryObject::reclaim(std::uint64_t limit, mem::KeptPages const& kept) {
    LockGuard guard(lock_);
    auto const end = page_count_locked();
    auto const is_kept = [&](std::uint64_t index) { return kept.object == this && index - kept.first < kept.count; };
    auto const is_clean = [&](std::uint64_t index) NO_THREAD_SAFETY_ANALYSIS {
        auto const found = tree_.find(index);
        return found && !mem::is_dirty(found.page) && !is_kept(index);
    };
    std::uint64_t done = 0;
    std::uint64_t scanned = 0;
    // From where the last search ended, and once around.
    for (int round = 0; round < 2 && done < limit && scanned < scan_limit; ++round) {
        auto index = tree_.next_present(reclaim_from_, end);
        for (; index < end && done < limit && scanned < scan_limit; index = tree_.next_present(index, end)) {
            auto const first = index;
            while (index < end && done + (index - first) < limit && is_clean(index))
                ++index;
            scanned += index - first + 1;
            if (index == first) {
                ++index;
                continue;
            }
            remove_from_views_locked(first, index - first);
            if (!tree_.erase(first, index - first, account()))
                return done;
            done += index - first;
        }
        reclaim_from_ = index < end ? index : 0;
    }
    return done;
}

Result<bool> MemoryObject::lacks_page(std::uint64_t index) {
    LockGuard guard(lock_);
    if (index >= page_count_locked())
        return fail(Error::out_of_range);
    return !tree_.find(tree_first_ + index);
}

// Takes a page out that this object alone has and nothing keeps; 0 if it is not such a one. Its tree count is the
// caller's, and whoever paid for it still does.
PhysAddr MemoryObject::take_page(std::uint64_t index) {
    LockGuard guard(lock_);
    // Bytes beyond the size are not to be handed out.
    if (kind_ != Kind::anonymous || (index + 1) * page_size > size_)
        return {};
    auto const found = tree_.find(tree_first_ + index);
    if (!found || !found.is_exclusive)
        return {};
    // Whoever pins a page finds it through a page table or under the lock.
    remove_from_views_locked(index, 1);
    if (!mem::is_held_once(found.page))
        return {};
    tree_.take(tree_first_ + index);
    return found.page;
}

// A page of `source` becomes this object's: who pays for it changes. 0: it has to be copied.
PhysAddr MemoryObject::take_over(MemoryObject& source, std::uint64_t source_offset) {
    if (!is_aligned(source_offset, page_size))
        return {};
    auto& old_payer = source.account();
    bool const changes_payer = &old_payer != &account();
    if (changes_payer && !account().charge_beside_reserve(page_size))
        return {};
    auto const page = source.take_page(source_offset / page_size);
    if (!changes_payer)
        return page;
    // What somebody else pays for, as may be with the pages of a snapshot, stays so.
    bool const was_taken = page.value != 0 && mem::frame_of(page).account == old_payer.id();
    if (was_taken)
        mem::frame_of(page).account = account().id();
    (was_taken ? old_payer : account()).uncharge(page_size);
    return page;
}

// A copy of what `source` has, for this object.
Result<PhysAddr> MemoryObject::copy_of(MemoryObject& source, std::uint64_t source_offset, std::uint64_t length,
                                       mem::KeptPages const& kept) {
    auto allocated = allocate_user_page(account(), Zero::no, mem::Reserve::keep);
    // What pagers gave before they can give again, but not what this one gives just now.
    if (!allocated && kept.count != 0 && mem::make_room(account(), kept))
        allocated = allocate_user_page(account(), Zero::no, mem::Reserve::keep);
    auto const page = TRY(std::move(allocated));
    auto const bytes = page_bytes(page);
    auto const copied = source.read_bytes(source_offset, bytes.first(length));
    if (!copied) {
        UnchargeBatch batch;
        mem::drop_tree(page, batch);
        return fail(copied.error());
    }
    std::ranges::fill(bytes.subspan(*copied), std::byte{0});
    return page;
}

Result<> MemoryObject::supply(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset,
                              std::uint64_t length, SupplyBy by) {
    if (kind_ != Kind::paged || !is_aligned(offset, page_size))
        return fail(Error::invalid_argument);
    if (offset > size_limit || length > size_limit || source_offset > size_limit)
        return fail(Error::out_of_range);
    for (std::uint64_t done = 0; done < length; done += page_size) {
        auto const index = (offset + done) / page_size;
        auto const is_missing = lacks_page(index);
        if (!is_missing)
            break;  // beyond the object's end
        if (!*is_missing)
            continue;
        auto const wanted = std::min<std::uint64_t>(page_size, length - done);
        PhysAddr page;
        if (by == SupplyBy::move && wanted == page_size)
            page = take_over(source, source_offset + done);
        if (page.value == 0) {
            // Nobody may ever look at those behind the first one: others lose nothing for them.
            mem::KeptPages const kept{this, offset / page_size, done == 0 ? pages_for(length) : 0};
            auto const copy = copy_of(source, source_offset + done, wanted, kept);
            if (!copy && copy.error() == Error::no_memory && done > 0)
                break;  // whoever waits for the first pages can go on
            page = TRY(copy);
        }
        LockGuard guard(lock_);
        auto slot =
            index < page_count_locked() ? tree_.slot_for(tree_first_ + index, account()) : fail(Error::out_of_range);
        if (slot && !slot->found()) {
            slot->set(page);
            continue;
        }
        // Somebody else was first, or there is no place for it any more.
        UnchargeBatch batch;
        mem::drop_tree(page, batch);
        if (!slot && slot.error() == Error::no_memory)
            return fail(Error::no_memory);
    }
    return {};
}

}  // namespace astrata::kernel
