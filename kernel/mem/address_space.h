// Address spaces: what is mapped where, and the page tables that show it.
//
// Two kinds. The *home* space of a process holds native code and data, in one root-table slot at the top of the user
// half. A *guest* space holds a foreign program, below that slot. It has two roots: the restricted one, with guest
// slots and kernel half, for the foreign code; and the native one, which shows the home space beside them, for the
// personality's code. Both share the guest's lower tables.
//
// Private memory (anonymous, and written pages of private file mappings) lies in one page tree for the whole space,
// indexed by page number of the *address*. So neighbouring anonymous mappings are one mapping, and a clone of the space
// shares that tree as a whole. A private mapping of an object shows the tree's page where there is one, else the
// object's, read-only.
//
// Locking: the mapping lock (sleeping) guards mappings and the private tree; the page-table lock (spinning) guards
// tables, which an object's lock holder may also change, to remove pages. The mapping lock comes first, then the
// object's, then the page-table lock. Page tables hold no references to pages: what they show is in a tree, and is
// removed from them, and flushed, before it leaves the tree.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "arch/paging.h"
#include "kernel/mem/audit.h"
#include "kernel/mem/layout.h"
#include "kernel/mem/memory_object.h"
#include "kernel/mem/page_tree.h"
#include "kernel/mem/table_pages.h"
#include "kernel/mem/tlb.h"
#include "kernel/object/object.h"
#include "kernel/sync/mutex.h"
#include "lib/base/intrusive_list.h"
#include "lib/paging/page_tables.h"
#include "lib/tree/avl_tree.h"

namespace astrata::kernel {

/// One mapping. Views of objects are on their object's list.
struct Mapping : AvlLink, ObjectView {
    RefOrNull<MemoryObject> object;  // null: private anonymous memory
    abi::Access access{};
    abi::Access allowed{};    // what protect may grant
    abi::MapFlags flags{};    // of private, allow_jit, uncached, sparse
    bool is_touched = false;  // page tables or the private tree may have pages of it

    /// Everything but its places in the tree and on the object's list, and the space.
    void show_same_as(Mapping const& other) {
        start = other.start;
        page_count = other.page_count;
        first_page = other.first_page;
        object = other.object;
        access = other.access;
        allowed = other.allowed;
        flags = other.flags;
        is_touched = other.is_touched;
    }

    [[nodiscard]] VirtAddr end() const { return start + page_count * page_size; }
    [[nodiscard]] bool is_private() const { return !object || has(flags, abi::MapFlags::private_); }
    [[nodiscard]] std::uint64_t page_of_object(VirtAddr address) const {
        return first_page + (address - start) / page_size;
    }
};

class AddressSpace final : public KernelObject {
public:
    static constexpr abi::Access all_access = abi::Access::read | abi::Access::write | abi::Access::execute;

    /// errors    no_memory
    static Result<Ref<AddressSpace>> create_home(Account& account);
    /// The home space of a process that is hosted in the kernel: a part of the kernel's half, the same in every root.
    /// errors    no_memory, no_resources (layout::hosted_limit of them exist)
    static Result<Ref<AddressSpace>> create_hosted_home(Account& account);
    /// A guest space of the process whose home space is `home`.
    static Result<Ref<AddressSpace>> create_guest(Account& account, Ref<AddressSpace> home);
    /// A copy of this guest space: private memory is copied on write by both from now on, shared mappings stay shared.
    /// errors    no_memory, not_supported (home spaces)
    Result<Ref<AddressSpace>> clone();
    ~AddressSpace() override;

    /// The space with the smallest id above `id`; nothing if there is none.
    static RefOrNull<AddressSpace> next(std::uint64_t id);
    /// Walks its page tables, which stay as they are meanwhile.
    void audit(mem::Auditor& auditor);

    [[nodiscard]] bool is_guest() const { return static_cast<bool>(home_); }
    /// A hosted home space, or a guest space of one. Neither needs another root for native code than for foreign code.
    [[nodiscard]] bool is_hosted() const { return start_ >= layout::hosted_start || (home_ && home_->is_hosted()); }
    /// Whether [start, start + length) lies in the part of the address space that this object describes.
    [[nodiscard]] bool contains(VirtAddr start, std::uint64_t length) const {
        return start >= first_address() && start <= last_address() && length <= last_address() - start;
    }
    [[nodiscard]] VirtAddr first_address() const { return start_; }
    [[nodiscard]] VirtAddr last_address() const {
        return is_guest() ? layout::guest_end : start_ + (layout::home_end - layout::home_start);
    }
    /// What is mapped without a place of its own goes below this address from now on, as long as there is room.
    void look_for_room_below(VirtAddr address);
    ListLink<AddressSpace> all_link;
    [[nodiscard]] bool belongs_to(AddressSpace const& home) const { return home_.get() == &home; }

    // ---- Mappings. Addresses, offsets and lengths are page-aligned, lengths above 0 (else invalid_argument), ranges
    // inside the space (else out_of_range). All of these may block.

    /// Maps part of an object. Without MapFlags::fixed, `address` is a hint (0: none). `allowed` limits later changes
    /// of access. errors    no_memory, out_of_range (outside the object, or no free range), already_exists (exclusive),
    /// access_denied
    ///           (write with execute), not_supported (private mapping of device or contiguous memory), invalid_argument
    ///           (MapFlags::uncached for anything but device memory, which always is)
    Result<VirtAddr> map(Ref<MemoryObject> object, std::uint64_t offset, VirtAddr address, std::uint64_t length,
                         abi::Access access, abi::MapFlags flags, abi::Access allowed = all_access);
    /// Maps fresh zeroed private memory.
    Result<VirtAddr> map_anonymous(VirtAddr address, std::uint64_t length, abi::Access access, abi::MapFlags flags);
    /// Removes what is mapped in the range.
    /// errors    no_memory (splitting a mapping or a shared page-tree node)
    Result<> unmap(VirtAddr address, std::uint64_t length);
    /// errors    no_memory, not_found (a hole), access_denied
    Result<> protect(VirtAddr address, std::uint64_t length, abi::Access access);
    /// Moves part of one mapping, or resizes it in place where that is possible and `fixed` is not set.
    /// errors    no_memory, not_found, out_of_range, invalid_argument (ranges overlap), already_exists
    Result<VirtAddr> move(VirtAddr address, std::uint64_t length, VirtAddr new_address, std::uint64_t new_length,
                          abi::MapFlags flags);
    /// Frees private pages in the range; anonymous ones read as zero next time, others as their object's.
    Result<> discard(VirtAddr address, std::uint64_t length);
    /// Makes the range's pages writable now, beside what is kept back (Reserve).
    /// errors    no_memory, bad_address
    Result<> commit(VirtAddr address, std::uint64_t length);
    /// Mappings that end above `address`, ascending; returns how many were filled in.
    std::size_t query(VirtAddr address, std::span<abi::MappingInfo> into);
    void fill(abi::AddressSpaceInfo& info);
    /// 2 MiB pages that are shown by one entry, in all spaces.
    [[nodiscard]] static std::uint64_t large_page_count();
    [[nodiscard]] std::uint64_t mapped_bytes() const {
        return mapped_pages_.load(std::memory_order_relaxed) * page_size;
    }
    /// Unmaps everything: the process has ended.
    void clear();

    // ---- Pages.

    /// Makes an access possible, if the mappings allow it.
    /// errors    bad_address (nothing mapped, access not allowed, beyond the object's end), no_memory, the pager's
    /// context   may block: no locks held
    Result<> handle_fault(VirtAddr address, abi::Access access);
    /// The page at an address, made writable, and kept from being freed. For memory that the kernel uses for long.
    /// errors    of handle_fault; not_supported (device or contiguous memory)
    Result<mem::PinnedPage> pin(VirtAddr address);
    /// Copies from or to this space whether it is current or not; stops at the first page that cannot be reached.
    /// Returns how much was copied. errors    bad_address (the first byte cannot be reached), and of handle_fault
    Result<std::uint64_t> read(VirtAddr address, UserBytesOut into);
    Result<std::uint64_t> write(VirtAddr address, UserBytesIn from);

    // ---- For the context switch.

    [[nodiscard]] PhysAddr restricted_root() const { return restricted_root_; }
    /// Of a home space: the same.
    [[nodiscard]] PhysAddr native_root() const { return native_root_; }
    /// The home space behind a guest space; of a home space: itself.
    [[nodiscard]] AddressSpace const* home() const { return home_or_self_; }

    // ---- For memory objects, whose lock is held.

    void forget_pages(VirtAddr start, std::uint64_t page_count);
    /// Makes every page of the view read-only, so that the next write asks the object.
    void protect_view(ObjectView const& view);

    /// For make_object alone.
    AddressSpace(Ref<Account> account, RefOrNull<AddressSpace> home, VirtAddr start);

private:
    struct StartOf {
        std::uint64_t operator()(Mapping const& mapping) const { return mapping.start.value; }
    };
    using Mappings = AvlTree<Mapping, StartOf>;

    // Table pages of this space: charged to its account, root entries written to both roots.
    class Tables {
    public:
        explicit Tables(AddressSpace& space) : space_(space) {}
        static paging::TableEntries entries(PhysAddr table) { return mem::table_entries(table); }
        static std::uint32_t& used(PhysAddr table) { return mem::frame_of(table).extra; }
        static std::uint64_t groups(PhysAddr table) { return mem::table_groups(table); }
        static void add_group(PhysAddr table, unsigned group) { add_groups(table, group, group); }
        static void add_groups(PhysAddr table, unsigned first, unsigned last) {
            mem::add_table_groups(table, first, last);
        }
        Result<PhysAddr> allocate();
        void free(PhysAddr table);
        /// With the kernel half entered, and its user view where there are such.
        Result<PhysAddr> allocate_root();
        void free_root(PhysAddr root);
        bool keep_empty(PhysAddr table);
        void root_entry_added(unsigned index, paging::Entry entry);
        /// Whether tables wait for a flush.
        [[nodiscard]] bool is_empty() const { return retired_.is_empty(); }

    private:
        AddressSpace& space_;
        mem::RetiredTables retired_;  // freed when this goes, after the flush
    };
    using PageTables = paging::PageTables<arch::PageFormat, Tables>;

    // A page that a fault found missing, and its object, kept alive while it is fetched.
    struct Missing {
        RefOrNull<MemoryObject> object;  // also of a shared page for which there was no memory
        MemoryObject::PageLookup lookup;
    };
    enum class Resolution { resolved, needs_pager };

    Result<> initialize();
    void release_hosted_slot();
    // The number under which a page is in private_pages_: it counts from where the space's root slots begin.
    [[nodiscard]] std::uint64_t place_of(VirtAddr page) const {
        return (page.value - align_down(start_.value, layout::root_slot_bytes)) / page_size;
    }
    [[nodiscard]] Result<> check_range(VirtAddr address, std::uint64_t length) const;
    [[nodiscard]] Result<> check_access(abi::Access access, abi::MapFlags flags) const;

    // Mappings (address_space.cc).
    [[nodiscard]] Mapping* mapping_at_locked(VirtAddr address) REQUIRES(mapping_lock_);
    [[nodiscard]] Mapping* first_mapping_after_locked(VirtAddr address) REQUIRES(mapping_lock_);
    Result<Mapping*> make_mapping() REQUIRES(mapping_lock_);
    void free_mapping(Mapping& mapping) REQUIRES(mapping_lock_);
    void free_spare_mappings() REQUIRES(mapping_lock_);
    /// `lower`: the mapping directly below, or null.
    void insert_locked(Mapping& mapping, Mapping* lower) REQUIRES(mapping_lock_);
    void insert_locked(Mapping& mapping) REQUIRES(mapping_lock_) {
        insert_locked(mapping, mappings_.last_not_after(mapping.start.value));
    }
    void remove_locked(Mapping& mapping) REQUIRES(mapping_lock_);
    void remove_all_locked() REQUIRES(mapping_lock_);
    void resize_locked(Mapping& mapping, VirtAddr start, std::uint64_t page_count) REQUIRES(mapping_lock_);
    Result<> split_at_locked(VirtAddr address) REQUIRES(mapping_lock_);
    Result<Mapping*> split_locked(Mapping& lower, VirtAddr address) REQUIRES(mapping_lock_);
    bool change_entries_locked(Mapping const& mapping) REQUIRES(mapping_lock_);
    Mapping& merge_with_neighbours_locked(Mapping& mapping) REQUIRES(mapping_lock_);
    /// A place for a mapping, and the last mapping that starts at or below it.
    struct Room {
        VirtAddr start;
        Mapping* lower;
    };
    [[nodiscard]] Result<Room> find_free_locked(std::uint64_t length) REQUIRES(mapping_lock_);
    void search_from_locked(VirtAddr top, Mapping* below) REQUIRES(mapping_lock_) {
        search_top_ = top;
        below_top_ = below;
    }
    void note_below_top_locked(Mapping& mapping) REQUIRES(mapping_lock_) {
        if (mapping.start < search_top_ && below_top_ != nullptr && mapping.start > below_top_->start)
            below_top_ = &mapping;
    }
    [[nodiscard]] bool is_free_locked(VirtAddr start, std::uint64_t length) REQUIRES(mapping_lock_);
    Result<Room> place_locked(VirtAddr address, std::uint64_t length, abi::MapFlags flags) REQUIRES(mapping_lock_);
    Result<> unmap_locked(VirtAddr start, std::uint64_t length) REQUIRES(mapping_lock_);
    Result<VirtAddr> map_locked(RefOrNull<MemoryObject> object, std::uint64_t first_page, VirtAddr address,
                                std::uint64_t length, abi::Access access, abi::MapFlags flags, abi::Access allowed)
        REQUIRES(mapping_lock_);
    Result<VirtAddr> move_locked(VirtAddr address, std::uint64_t length, VirtAddr new_address, std::uint64_t new_length,
                                 abi::MapFlags flags) REQUIRES(mapping_lock_);
    bool extend_locked(Mapping* lower, Mapping* upper, VirtAddr start, std::uint64_t length, abi::Access access,
                       abi::MapFlags flags) REQUIRES(mapping_lock_);
    Result<Mapping*> move_pages_locked(VirtAddr address, std::uint64_t length, VirtAddr target,
                                       std::uint64_t new_length, bool is_replacing) REQUIRES(mapping_lock_);
    Result<> copy_mappings_to(AddressSpace& copy) REQUIRES(mapping_lock_);
    /// Makes every page that is shown read-only; true if that changed anything, which is then to be flushed.
    [[nodiscard]] bool withdraw_write_permission() REQUIRES(mapping_lock_);
    void populate(VirtAddr start, std::uint64_t length, abi::Access access);

    // Faults (address_space_fault.cc).
    Result<Resolution> resolve_locked(VirtAddr page, abi::Access access, Missing& missing) REQUIRES(mapping_lock_);
    Result<Resolution> resolve_private_read_locked(Mapping& mapping, VirtAddr page, Missing& missing)
        REQUIRES(mapping_lock_);
    Result<Resolution> resolve_private_write_locked(Mapping& mapping, VirtAddr page, Missing& missing)
        REQUIRES(mapping_lock_);
    Result<Resolution> resolve_shared_locked(Mapping& mapping, VirtAddr page, bool is_write, Missing& missing)
        REQUIRES(mapping_lock_);
    Result<PageTables::Place> place_for_locked(PageTables& tables, VirtAddr address) REQUIRES(page_table_lock_);
    Result<> enter_page(Mapping const& mapping, VirtAddr address, PhysAddr page, bool may_write)
        REQUIRES(mapping_lock_);
    static constexpr std::uint64_t pages_per_large = huge_page_size / page_size;
    /// Memory of foreign programs that is one piece, for them alone, and mostly used as a whole.
    [[nodiscard]] bool may_be_large(Mapping const& mapping, VirtAddr block) const {
        return !mapping.object && is_guest() && !has(mapping.flags, abi::MapFlags::sparse) && block >= mapping.start &&
               block + huge_page_size <= mapping.end();
    }
    bool enter_large_locked(Mapping const& mapping, VirtAddr block) REQUIRES(mapping_lock_);
    [[nodiscard]] bool has_block_alone_locked(VirtAddr block) REQUIRES(mapping_lock_);
    MemoryObject::Run resident_locked(Mapping const& mapping, VirtAddr at) REQUIRES(mapping_lock_);
    VirtAddr map_resident_page_locked(Ref<MemoryObject>& object, std::uint64_t page, abi::Access access, abi::Access allowed)
        REQUIRES(mapping_lock_);
    Result<VirtAddr> enter_resident_locked(Mapping const& mapping, VirtAddr start, VirtAddr end, abi::Access access)
        REQUIRES(mapping_lock_);
    VirtAddr show_resident_locked(VirtAddr at, VirtAddr end, abi::Access access) REQUIRES(mapping_lock_);
    Result<> enter_around(Mapping const& mapping, VirtAddr address) REQUIRES(mapping_lock_);
    struct ReachedPage {
        PhysAddr page;
        mem::PinnedPage pin;  // empty for memory that needs none
    };
    Result<ReachedPage> reach(VirtAddr address, bool is_write);
    template <typename Copy>
    Result<std::uint64_t> transfer(VirtAddr address, std::uint64_t length, bool is_write, Copy copy);

    // Page tables (address_space_tables.cc).
    [[nodiscard, gnu::always_inline]] paging::Attributes attributes_of(Mapping const& mapping) const {
        return {.write = has(mapping.access, abi::Access::write),
                .execute = has(mapping.access, abi::Access::execute),
                .user = is_guest() || !is_hosted(),
                .uncached = has(mapping.flags, abi::MapFlags::uncached)};
    }
    [[nodiscard, gnu::always_inline]] paging::Entry entry_for(Mapping const& mapping, PhysAddr page, bool may_write,
                                                              int level = 0) const {
        auto attributes = attributes_of(mapping);
        attributes.write &= may_write;
        return arch::PageFormat::leaf(page, attributes, level);
    }
    void note_large_locked(std::int64_t change) REQUIRES(page_table_lock_);
    Result<> split_large_locked(PageTables& tables, VirtAddr edge) REQUIRES(page_table_lock_);
    static paging::Entry* large_leaf(PageTables const& tables, VirtAddr address);
    void end_large_at(VirtAddr edge);
    void flush(VirtAddr start, std::uint64_t page_count);
    [[nodiscard]] std::uint64_t resident_pages_in(VirtAddr start, std::uint64_t length);

    void leave_list();

    VirtAddr const start_;
    RefOrNull<AddressSpace> const home_;  // of a guest space
    AddressSpace const* const home_or_self_ = home_ ? home_.get() : this;
    PhysAddr restricted_root_;
    PhysAddr native_root_;

    Mutex<LockRank::space_mapping> mapping_lock_;
    Mappings mappings_ GUARDED_BY(mapping_lock_);
    Mapping* last_found_ GUARDED_BY(mapping_lock_) = nullptr;
    // Mappings taken out of use, paid for as before: a change of the map mostly ends one and begins another.
    static constexpr std::size_t spare_limit = 2;
    std::array<Mapping*, spare_limit> spare_ GUARDED_BY(mapping_lock_){};
    std::size_t spare_count_ GUARDED_BY(mapping_lock_) = 0;
    mem::PageTree private_pages_ GUARDED_BY(mapping_lock_);
    VirtAddr search_top_ GUARDED_BY(mapping_lock_);  // no free range worth looking at is above
    // The last mapping that starts below search_top_; null: not known.
    Mapping* below_top_ GUARDED_BY(mapping_lock_) = nullptr;
    std::uint64_t mapping_count_ GUARDED_BY(mapping_lock_) = 0;
    std::atomic<std::uint64_t> mapped_pages_ = 0;

    SpinLock<LockRank::page_table, PreemptionOff> page_table_lock_;
    std::uint64_t resident_pages_ GUARDED_BY(page_table_lock_) = 0;
    mem::Relaxed<std::uint64_t> large_leaves_ = 0;  // of 2 MiB; changed under the page-table lock
    // The lowest-level table used last, and which 2 MiB it covers: the next fault is mostly nearby.
    std::uint64_t recent_block_ GUARDED_BY(page_table_lock_) = 0;
    PhysAddr recent_table_ GUARDED_BY(page_table_lock_);  // 0: none
    // That table stays when it becomes empty, because memory that was just freed is mostly soon replaced. One such
    // table is kept: the one before it is freed when another takes its place.
    static constexpr std::uint64_t no_block = ~std::uint64_t{0};
    std::uint64_t kept_block_ GUARDED_BY(page_table_lock_) = no_block;
    std::uint64_t stale_block_ GUARDED_BY(page_table_lock_) = no_block;
    std::atomic<std::uint64_t> table_pages_ = 0;
};

}  // namespace astrata::kernel
