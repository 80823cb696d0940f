// A process's handles, and the derivation trees that run through all tables.
//
// A handle is a slot number and the slot's generation, so that a closed handle's number stays invalid. Every handle except
// reply handles hangs in the derivation tree of its object: below the handle it was derived from, or at the root. An object
// that is a part of another one (a range of ports) has its handles in the other's tree, below the handle it was made from.
// Revoking removes a subtree, wherever its handles live. The tree is guarded by its object's derivation lock, the slots by
// their table's lock; the derivation lock comes first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/ipc/processors.h"
#include "abi/message.h"
#include "abi/types.h"
#include "kernel/object/object.h"
#include "kernel/sync/spin_lock.h"
#include "lib/base/result.h"
#include "lib/base/units.h"

namespace astrata::kernel {

class HandleTable;

struct HandleEntry {
    KernelObject* object = nullptr;      // owns a reference; null in a free slot
    HandleTable* table = nullptr;
    std::uint32_t generation = 1;
    std::uint16_t slot = 0;
    std::uint16_t right_bits = 0;
    std::uint64_t badge = 0;             // of a reply handle: the number of the call it answers
    HandleEntry* parent = nullptr;
    HandleEntry* first_child = nullptr;
    HandleEntry* next_sibling = nullptr;   // in a free slot: the next free one
    HandleEntry* previous_sibling = nullptr;

    [[nodiscard]] abi::Rights rights() const { return static_cast<abi::Rights>(right_bits); }
};
// A power of two, so that a look-up only shifts.
static_assert(sizeof(HandleEntry) == 64);

/// What a look-up yields.
struct ResolvedHandle {
    Ref<KernelObject> object;
    abi::Rights rights;
    std::uint64_t badge;
};

/// The handles that a message carries, in kernel memory: nobody changes them between two looks.
struct MessageHandles {
    std::array<abi::Handle, abi::message_handle_limit> values{};
    std::size_t count = 0;
};

class HandleTable {
public:
    explicit HandleTable(Account& account) : account_(account) {}
    ~HandleTable();
    HandleTable(HandleTable const&) = delete;
    HandleTable& operator=(HandleTable const&) = delete;

    /// errors    bad_handle
    [[nodiscard]] Result<ResolvedHandle> find(abi::Handle handle);
    /// The object alone, if it is of this kind and the handle has these rights.
    /// errors    bad_handle, wrong_type, access_denied
    [[nodiscard]] Result<Ref<KernelObject>> find_kind(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights);
    /// The same, and which rights the handle has.
    [[nodiscard]] Result<Ref<KernelObject>> find_kind(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights, abi::Rights& found);
    /// The same for a short use, which the table's lock is held for.
    template <typename Use>
    [[nodiscard]] Result<> use(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights, Use short_use) {
        LockGuard guard(lock_);
        auto* const entry = TRY(entry_of_kind_locked(handle, kind, rights));
        short_use(*entry->object);
        return {};
    }
    /// 0 if it is no handle.
    [[nodiscard]] std::uint64_t badge_of(abi::Handle handle) {
        LockGuard guard(lock_);
        auto const* const entry = entry_locked(handle);
        return entry != nullptr ? entry->badge : 0;
    }

    /// A handle derived from no other.
    /// errors    no_memory, no_resources (table full or closed)
    [[nodiscard]] Result<abi::Handle> insert(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge = 0);
    /// A one-shot reply handle; it is in no derivation tree.
    [[nodiscard]] Result<abi::Handle> insert_reply(Ref<KernelObject> reply, std::uint64_t call_number);
    /// A handle in this table derived from `parent`, which is in it too.
    /// errors    bad_handle (closed meanwhile), no_memory, no_resources
    [[nodiscard]] Result<abi::Handle> derive(abi::Handle parent, abi::Rights rights, std::uint64_t badge);
    /// A handle to `part`, which is a part of the object that `parent` names, derived from that.
    /// errors    as above
    [[nodiscard]] Result<abi::Handle> derive_part(abi::Handle parent, Ref<KernelObject> part, abi::Rights rights);
    /// Moves a handle to `target`, keeping its place in the derivation tree.
    /// errors    bad_handle, no_memory, no_resources; the handle stays in this table then
    [[nodiscard]] Result<abi::Handle> move(abi::Handle handle, HandleTable& target);
    /// Moves all of the handles, or none of them; then `handles` says what they are here now. May be called with locks held that
    /// the end of an object takes.
    /// errors    access_denied (one cannot be transferred), bad_handle, no_memory, no_resources
    [[nodiscard]] Result<MessageHandles> move_message(MessageHandles& handles, HandleTable& target);
    /// Undoes that, into the table they came from; returns what they are there now, 0 for one that `this` has closed.
    MessageHandles return_message(MessageHandles const& handles, HandleTable& source);
    /// errors    bad_handle
    [[nodiscard]] Result<> close(abi::Handle handle);
    /// Takes a reply handle out of the table without dropping the call that it answers.
    /// errors    bad_handle, wrong_type
    [[nodiscard]] Result<ResolvedHandle> take_reply(abi::Handle handle);
    /// Closes everything derived from `handle`; returns how many.
    /// errors    bad_handle
    [[nodiscard]] Result<std::uint64_t> revoke(abi::Handle handle);
    /// Closes every handle and refuses new ones: the process has ended.
    void close_all();

    /// Handles that are open.
    [[nodiscard]] std::uint64_t count() {
        LockGuard guard(lock_);
        return used_;
    }

private:
    template <Processors processors>
    friend class FastPath;
    static constexpr std::size_t entries_per_page = page_size / sizeof(HandleEntry);
    static constexpr std::size_t page_limit = 512;
    struct Page {
        std::array<HandleEntry, entries_per_page> entries;
    };
    static_assert(sizeof(Page) == page_size && entries_per_page * page_limit <= 1U << 16);
    using Directory = std::array<Page*, page_limit>;

    [[nodiscard]] HandleEntry* entry_locked(abi::Handle handle) REQUIRES(lock_) {
        auto const slot = static_cast<std::uint32_t>(handle) - 1;   // 0 is no handle, so slots count from 1 outside
        if (slot >= page_count_ * entries_per_page)
            return nullptr;
#pragma clang unsafe_buffer_usage begin   // the slot was checked, and page_count_ is at most page_limit
        auto& entry = pages_->data()[slot / entries_per_page]->entries.data()[slot % entries_per_page];
#pragma clang unsafe_buffer_usage end
        if (entry.object == nullptr || entry.generation != static_cast<std::uint32_t>(handle >> 32))
            return nullptr;
        return &entry;
    }
    [[nodiscard]] Result<HandleEntry*> entry_of_kind_locked(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights) REQUIRES(lock_) {
        auto* const entry = entry_locked(handle);
        if (entry == nullptr) [[unlikely]]
            return fail(Error::bad_handle);
        if (entry->object->kind() != kind) [[unlikely]]
            return fail(Error::wrong_type);
        if ((entry->rights() & rights) != rights) [[unlikely]]
            return fail(Error::access_denied);
        return entry;
    }
    // Null when a page of entries must be added first; see grow().
    [[nodiscard]] HandleEntry* allocate_locked(KernelObject& object, abi::Rights rights, std::uint64_t badge) REQUIRES(lock_);
    void free_locked(HandleEntry& entry) REQUIRES(lock_) {
        entry.object = nullptr;
        --used_;
        // A slot whose generations are used up is retired, so that no stale number ever becomes valid again.
        if (++entry.generation == 0)
            return;
        entry.next_sibling = first_free_;
        first_free_ = &entry;
    }
    [[nodiscard]] bool has_directory();
    // Adds a page of free entries.
    // errors    no_memory, no_resources (table full or closed)
    [[nodiscard]] Result<> grow();
    static abi::Handle value_of(HandleEntry const& entry) {
        return std::uint64_t{entry.generation} << 32 | (entry.slot + 1);
    }
    // One derivation tree, of the object `root`; its derivation lock is held.
    static void link(KernelObject& root, HandleEntry& entry, HandleEntry* parent);
    static void unlink(KernelObject& root, HandleEntry& entry);
    static void adopt_children(KernelObject& root, HandleEntry& entry);
    [[nodiscard]] Result<abi::Handle> derive_object(abi::Handle parent, KernelObject& parent_object, KernelObject& object,
                                                    abi::Rights rights, std::uint64_t badge);
    [[nodiscard]] Result<abi::Handle> move_found(abi::Handle handle, ResolvedHandle const& found, HandleTable& target);
    // Ends one handle's hold on its object. Call without locks.
    static void release(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge);

    Account& account_;
    SpinLock<LockRank::handle_table, PreemptionOff> lock_;
    Directory* pages_ GUARDED_BY(lock_) = nullptr;
    std::size_t page_count_ GUARDED_BY(lock_) = 0;
    HandleEntry* first_free_ GUARDED_BY(lock_) = nullptr;
    std::uint64_t used_ GUARDED_BY(lock_) = 0;
    bool is_closed_ GUARDED_BY(lock_) = false;
};

}  // namespace astrata::kernel
