// Memory as an object: pages that can be mapped into address spaces, read, written, cloned, and supplied by a pager.
//
// Locking: one lock guards a *family*, an object together with all shadows made of it, because a shadow shows pages of
// the object it stands before. Under that lock pages are entered into page tables (the fault path, AddressSpace) and
// removed from them, so that what a page table shows is always what the object has. Page tables hold no references: a
// page is taken out of all page tables, and TLBs, before it leaves the object's tree.
#pragma once

#include <cstdint>

#include "kernel/mem/page_tree.h"
#include "kernel/mem/reclaim.h"
#include "kernel/mem/user_page.h"
#include "kernel/object/object.h"
#include "kernel/user_copy/user_span.h"
#include "lib/base/intrusive_list.h"
#include "lib/base/result.h"

namespace astrata::kernel {

class AddressSpace;
class MemoryObject;

/// A part of an object that an address space shows. Its fields change under the object's lock and the space's mapping
/// lock together, and may be read under either.
struct ObjectView {
    ListLink<ObjectView> link;
    AddressSpace* space = nullptr;
    VirtAddr start;
    std::uint64_t page_count = 0;
    std::uint64_t first_page = 0;  ///< of the object
};

using ObjectLock = SpinLock<LockRank::memory_object, PreemptionOff>;

class MemoryObject final : public KernelObject {
public:
    static constexpr std::uint64_t size_limit = mem::PageTree::page_limit * page_size;

    /// Zeroed memory, paid for page by page as it is touched.
    /// errors    no_memory, out_of_range (size)
    static Result<Ref<MemoryObject>> create(Account& account, std::uint64_t size);
    /// Pages come from `pager`, an endpoint.
    /// errors    no_memory, out_of_range
    static Result<Ref<MemoryObject>> create_paged(Account& account, Ref<KernelObject> pager, std::uint64_t key,
                                                  std::uint64_t size);
    /// A window on physical memory that is not the frame allocator's: device registers, or the boot archive.
    enum class Caching { cached, uncached };
    /// errors    no_memory, out_of_range, invalid_argument (not page-aligned)
    static Result<Ref<MemoryObject>> create_physical(Account& account, PhysAddr start, std::uint64_t size,
                                                     Caching caching);
    /// Physically contiguous, zeroed, below 4 GiB; paid for at once.
    /// errors    no_memory, out_of_range
    static Result<Ref<MemoryObject>> create_contiguous(Account& account, std::uint64_t size);
    /// A copy-on-write clone of [offset, offset + size); `offset` is page-aligned. A snapshot costs the same for any
    /// size. A snapshot of cached physical memory is a shadow. errors    no_memory, out_of_range, invalid_argument,
    /// not_supported (snapshot of a paged object; device or contiguous
    ///           memory; shadows more than 4 deep)
    Result<Ref<MemoryObject>> clone(Account& account, std::uint64_t offset, std::uint64_t size, abi::CloneKind kind);

    ~MemoryObject() override;

    /// Link of the list of all paged objects; see kernel/mem/reclaim.h.
    ListLink<MemoryObject> paged_link;
    /// Link of the DMA domain that keeps this object; see kernel/object/dma_domain.h.
    MemoryObject* next_in_domain = nullptr;

    /// In bytes; a paged or shrinking object may have another size by the time the caller looks.
    [[nodiscard]] std::uint64_t size() const { return size_; }
    void fill(abi::MemoryObjectInfo& info);
    /// Where contiguous memory is for devices.
    [[nodiscard]] PhysAddr device_address() const { return base_; }
    [[nodiscard]] bool is_uncached() const { return caching_ == Caching::uncached; }
    /// Whether a private mapping can copy its pages.
    [[nodiscard]] bool can_be_copied() const { return kind_ != Kind::contiguous && !is_uncached(); }

    /// Copies from offset on, short only at the object's end. Returns how much was copied.
    /// errors    bad_address, io and others of the pager, interrupted, not_supported (device memory); nothing was
    /// copied then context   may block
    [[nodiscard]] Result<std::uint64_t> read(std::uint64_t offset, UserBytesOut into);
    /// errors    the same, out_of_range (offset beyond the size), no_memory
    [[nodiscard]] Result<std::uint64_t> write(std::uint64_t offset, UserBytesIn from);
    /// The same for kernel memory.
    [[nodiscard]] Result<std::uint64_t> read_bytes(std::uint64_t offset, MutableBytes into);
    [[nodiscard]] Result<std::uint64_t> write_bytes(std::uint64_t offset, Bytes from);

    /// Grows with zeroes (or what the pager has), or shrinks, freeing pages and zeroing the rest of the last one.
    /// errors    no_memory, out_of_range, not_supported (physical or contiguous)
    [[nodiscard]] Result<> set_size(std::uint64_t size);
    /// Frees the whole pages in the range.
    /// errors    no_memory, not_supported
    [[nodiscard]] Result<> discard(std::uint64_t offset, std::uint64_t length);
    /// Gives this paged object the pages it lacks from `offset` on: copies of `length` bytes of `source`, zero-filled
    /// to whole pages. Pages that are there already stay, and what lies beyond the size, or beyond what there is memory
    /// for after the first page, is left out. SupplyBy::move takes whole pages out of `source` where it can, an
    /// anonymous object that shares them with nobody.
    /// errors    no_memory, out_of_range, invalid_argument, and those of reading `source`
    enum class SupplyBy : bool { copy, move };
    [[nodiscard]] Result<> supply(std::uint64_t offset, MemoryObject& source, std::uint64_t source_offset,
                                  std::uint64_t length, SupplyBy by = SupplyBy::copy);

    /// Drops up to `limit` pages of this paged object that are as the pager supplied them. Returns how many.
    std::uint64_t reclaim(std::uint64_t limit, mem::KeptPages const& kept);

    // ---- For address spaces.

    enum class PageState : std::uint8_t {
        present,
        absent,       ///< reads as zero
        needs_pager,  ///< ask `pager_of`, then try again
        beyond_end,
    };
    struct PageLookup {
        PageState state = PageState::absent;
        bool may_write = false;         ///< in place, through a shared mapping
        PhysAddr page;                  ///< when present
        MemoryObject* paged = nullptr;  ///< needs_pager: whose page is missing; lives as long as this object
        std::uint64_t paged_index = 0;
    };
    /// Neighbouring pages as far as they are in memory.
    struct Run {
        std::uint32_t const* frames = nullptr;  ///< their numbers; null: consecutive ones from `first` on
        PhysAddr first;
        std::uint64_t present = 0;   ///< a bit for each page, from the one that was asked for
        std::uint64_t count = 0;     ///< how many pages this speaks of, at most 64; 0: beyond the end
        bool may_write = false;      ///< in place: all without `frames`, else those of which may_write_page says so
        bool must_be_dirty = false;  ///< the first write to a page is to be noticed

        [[nodiscard]] bool may_write_page(PhysAddr page) const {
            return !mem::is_in_several_trees(page) && (!must_be_dirty || mem::is_dirty(page));
        }
    };
    ObjectLock& lock() RETURN_CAPABILITY(lock_) { return lock_; }
    /// Those that page_for_read_locked would find, from `index` on.
    [[nodiscard]] Run resident_locked(std::uint64_t index) REQUIRES(lock_);
    [[nodiscard]] PageLookup page_for_read_locked(std::uint64_t index) REQUIRES(lock_);
    /// Makes the page writable first: allocates, beside the reserve or from it too, and copies. Views that show what
    /// was there before have lost it on return. errors    no_memory
    [[nodiscard]] Result<PageLookup> page_for_write_locked(std::uint64_t index,
                                                           mem::Reserve reserve = mem::Reserve::keep) REQUIRES(lock_);
    void add_view_locked(ObjectView& view) REQUIRES(lock_) { views_.push_back(view); }
    void remove_view_locked(ObjectView& view) REQUIRES(lock_) { views_.remove(view); }
    /// Has a missing page brought in. The caller tries again afterwards.
    /// errors    the pager's
    /// context   blocks
    [[nodiscard]] static Result<> request(PageLookup const& missing, std::uint64_t count);

    /// For make_object alone; use the create functions.
    enum class Kind : std::uint8_t { anonymous, paged, physical, contiguous };
    MemoryObject(Ref<Account> account, Kind kind, std::uint64_t size, RefOrNull<MemoryObject> backing = nullptr,
                 RefOrNull<KernelObject> pager = nullptr, std::uint64_t key = 0);

private:
    static constexpr int shadow_depth_limit = 4;

    [[nodiscard]] bool is_fixed() const { return kind_ == Kind::physical || kind_ == Kind::contiguous; }
    [[nodiscard]] Result<> drop_pages(std::uint64_t first, std::uint64_t end);
    [[nodiscard]] std::uint64_t page_count_locked() const REQUIRES(lock_) { return pages_for(size_); }
    void remove_from_views_locked(std::uint64_t first, std::uint64_t count) REQUIRES(lock_);
    Result<> zero_tail_locked(std::uint64_t size) REQUIRES(lock_);
    template <typename Copy>
    Result<std::uint64_t> transfer(std::uint64_t offset, std::uint64_t length, bool is_write, Copy copy);
    std::uint64_t read_own(std::uint64_t offset, UserBytesOut into);
    Result<std::uint64_t> read_any(std::uint64_t offset, UserBytesOut into);
    Result<bool> lacks_page(std::uint64_t index);
    PhysAddr take_page(std::uint64_t index);
    PhysAddr take_over(MemoryObject& source, std::uint64_t source_offset);
    Result<PhysAddr> copy_of(MemoryObject& source, std::uint64_t source_offset, std::uint64_t length,
                             mem::KeptPages const& kept);
    Result<> snapshot_into(MemoryObject& clone, std::uint64_t first_page);

    Kind const kind_;
    Caching caching_ = Caching::cached;
    std::uint8_t shadow_depth_ = 0;
    PhysAddr base_;                          // physical, contiguous
    std::uint64_t const key_;                // paged
    RefOrNull<KernelObject> const pager_;    // paged
    RefOrNull<MemoryObject> const backing_;  // shadow: whose pages show where this has none

    ObjectLock own_lock_;
    ObjectLock& lock_;                  // the family's: own_lock_ of the object that all of it stands before
    mem::Relaxed<std::uint64_t> size_;  // changed under the lock
    std::uint64_t backing_first_ GUARDED_BY(lock_) = 0;  // shadow: which page of the backing object is this one's first
    std::uint64_t backing_count_ GUARDED_BY(lock_) = 0;  // pages from there on that show through
    std::uint64_t tree_first_ GUARDED_BY(lock_) = 0;     // where in the tree this object's page 0 is (clones of a part)
    mem::PageTree tree_ GUARDED_BY(lock_);
    std::uint64_t reclaim_from_ GUARDED_BY(lock_) = 0;  // paged: the page that is looked at next
    IntrusiveList<ObjectView, &ObjectView::link> views_ GUARDED_BY(lock_);
    MemoryObject* first_shadow_ GUARDED_BY(lock_) = nullptr;
    MemoryObject* next_shadow_ GUARDED_BY(lock_) = nullptr;  // of the same backing object
    std::uint64_t shadow_count_ GUARDED_BY(lock_) = 0;
};

}  // namespace astrata::kernel
