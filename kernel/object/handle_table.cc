#include "kernel/object/handle_table.h"

#include <algorithm>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "kernel/ipc/reply.h"
#include "kernel/mem/heap.h"
#include "kernel/object/lookup.h"

namespace astrata::kernel {

namespace {

// Handles that one step of a revocation closes: the tree's lock is not held for longer than that.
constexpr std::size_t revocation_step = 32;

// A T in the kernel heap, charged, that goes back unless it is kept.
template <typename T>
class Piece {
public:
    // errors    no_memory
    static Result<Piece> make(Account& account) {
        auto charge = TRY(PendingCharge::make(account, mem::heap_charge(sizeof(T))));
        void* const memory = mem::heap_allocate(sizeof(T));
        if (memory == nullptr)
            return fail(Error::no_memory);
        return Piece(*::new (memory) T{}, std::move(charge));
    }
    Piece(Piece&& other) noexcept : object_(std::exchange(other.object_, nullptr)), charge_(std::move(other.charge_)) {}
    ~Piece() { mem::heap_free(object_, sizeof(T)); }

    T* keep() {
        charge_.keep();
        return std::exchange(object_, nullptr);
    }

private:
    Piece(T& object, PendingCharge charge) : object_(&object), charge_(std::move(charge)) {}
    T* object_;
    PendingCharge charge_;
};

// Handles that were looked up where locks may be held.
class LateHandles {
public:
    LateHandles() = default;
    LateHandles(LateHandles const&) = delete;
    LateHandles& operator=(LateHandles const&) = delete;
    ~LateHandles() {
        for (auto& handle : found_) {
            if (handle)
                KernelObject::drop_reference_late(std::move(handle->object));
        }
    }
    ResolvedHandle const& keep(std::size_t index, ResolvedHandle handle) { return found_[index].emplace(std::move(handle)); }
    ResolvedHandle const& operator[](std::size_t index) const { return *found_[index]; }

private:
    std::array<std::optional<ResolvedHandle>, abi::message_handle_limit> found_;
};

}  // namespace

HandleTable::~HandleTable() {
    close_all();
    LockGuard guard(lock_);
    if (pages_ == nullptr)
        return;
    for (auto* page : std::span(*pages_).first(page_count_))
        mem::heap_free(page, sizeof(Page));
    mem::heap_free(pages_, sizeof(Directory));
    account_.uncharge(page_count_ * mem::heap_charge(sizeof(Page)) + mem::heap_charge(sizeof(Directory)));
}

HandleEntry* HandleTable::allocate_locked(KernelObject& object, abi::Rights rights, std::uint64_t badge) {
    auto* entry = first_free_;
    if (entry == nullptr)
        return nullptr;
    first_free_ = entry->next_sibling;
    ++used_;
    object.add_reference();
    object.handles_.fetch_add(1, std::memory_order_relaxed);
    if (has(rights, abi::Rights::receive))
        object.receive_handles_.fetch_add(1, std::memory_order_relaxed);
    entry->object = &object;
    static_assert(static_cast<std::uint32_t>(all_rights) <= 0xffff);
    entry->right_bits = static_cast<std::uint16_t>(rights);
    entry->badge = badge;
    entry->parent = entry->first_child = entry->next_sibling = entry->previous_sibling = nullptr;
    return entry;
}

bool HandleTable::has_directory() {
    LockGuard guard(lock_);
    return pages_ != nullptr;
}

// Everything is allocated before the lock is taken; what another thread has made superfluous meanwhile goes back.
Result<> HandleTable::grow() {
    auto page = TRY(Piece<Page>::make(account_));
    std::optional<Piece<Directory>> directory;
    if (!has_directory())
        directory.emplace(TRY(Piece<Directory>::make(account_)));
    LockGuard guard(lock_);
    if (pages_ == nullptr)
        pages_ = directory->keep();
    if (is_closed_ || page_count_ == page_limit)
        return fail(Error::no_resources);
    auto const first_slot = page_count_ * entries_per_page;
    auto* const added = (*pages_)[page_count_++] = page.keep();
    for (std::size_t i = entries_per_page; i-- > 0;) {
        auto& entry = added->entries[i];
        entry.table = this;
        entry.slot = static_cast<std::uint16_t>(first_slot + i);
        entry.next_sibling = first_free_;
        first_free_ = &entry;
    }
    return {};
}

// The tree functions run with the object's derivation lock held by their callers; the analysis cannot follow a lock that
// is a member of a parameter through the friend.
void HandleTable::link(KernelObject& root, HandleEntry& entry, HandleEntry* parent) NO_THREAD_SAFETY_ANALYSIS {
    auto*& first = parent != nullptr ? parent->first_child : root.first_root_;
    entry.parent = parent;
    entry.previous_sibling = nullptr;
    entry.next_sibling = first;
    if (first != nullptr)
        first->previous_sibling = &entry;
    first = &entry;
}

void HandleTable::unlink(KernelObject& root, HandleEntry& entry) NO_THREAD_SAFETY_ANALYSIS {
    if (entry.previous_sibling != nullptr)
        entry.previous_sibling->next_sibling = entry.next_sibling;
    else
        (entry.parent != nullptr ? entry.parent->first_child : root.first_root_) = entry.next_sibling;
    if (entry.next_sibling != nullptr)
        entry.next_sibling->previous_sibling = entry.previous_sibling;
}

void HandleTable::adopt_children(KernelObject& root, HandleEntry& entry) {
    while (auto* child = entry.first_child) {
        unlink(root, *child);
        link(root, *child, entry.parent);
    }
}

void HandleTable::release(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge) {
    if (object->kind() == abi::ObjectKind::reply)
        static_cast<Reply&>(*object).drop(badge);
    if (has(rights, abi::Rights::receive) && object->receive_handles_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        object->receivers_gone();
    if (object->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        object->handles_gone();
    object->drop_reference();   // the entry's own
}

Result<ResolvedHandle> HandleTable::find(abi::Handle handle) {
    LockGuard guard(lock_);
    auto* entry = entry_locked(handle);
    if (entry == nullptr)
        return fail(Error::bad_handle);
    return ResolvedHandle{Ref<KernelObject>::share(*entry->object), entry->rights(), entry->badge};
}

// Budget: 45 instructions; most system calls begin with one or two of these.
Result<Ref<KernelObject>> HandleTable::find_kind(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights) {
    LockGuard guard(lock_);
    return Ref<KernelObject>::share(*TRY(entry_of_kind_locked(handle, kind, rights))->object);
}

Result<Ref<KernelObject>> HandleTable::find_kind(abi::Handle handle, abi::ObjectKind kind, abi::Rights rights, abi::Rights& found) {
    LockGuard guard(lock_);
    auto const* const entry = TRY(entry_of_kind_locked(handle, kind, rights));
    found = entry->rights();
    return Ref<KernelObject>::share(*entry->object);
}

Result<abi::Handle> HandleTable::insert(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge) {
    auto& root = object->derivation_root_;
    for (;;) {
        {
            LockGuard derivation(root.derivation_lock_);
            LockGuard guard(lock_);
            if (is_closed_)
                return fail(Error::no_resources);
            if (auto* entry = allocate_locked(*object, rights, badge); entry != nullptr) {
                link(root, *entry, nullptr);
                return value_of(*entry);
            }
        }
        TRY(grow());
    }
}

Result<abi::Handle> HandleTable::insert_reply(Ref<KernelObject> reply, std::uint64_t call_number) {
    for (;;) {
        {
            LockGuard guard(lock_);
            if (is_closed_)
                return fail(Error::no_resources);
            if (auto* entry = allocate_locked(*reply, abi::Rights::transfer, call_number); entry != nullptr)
                return value_of(*entry);
        }
        TRY(grow());
    }
}

Result<abi::Handle> HandleTable::derive(abi::Handle parent_handle, abi::Rights rights, std::uint64_t badge) {
    auto const object = TRY(find(parent_handle)).object;
    return derive_object(parent_handle, *object, *object, rights, badge);
}

Result<abi::Handle> HandleTable::derive_part(abi::Handle parent_handle, Ref<KernelObject> part, abi::Rights rights) {
    auto const whole = TRY(find(parent_handle)).object;
    return derive_object(parent_handle, *whole, *part, rights, 0);
}

Result<abi::Handle> HandleTable::derive_object(abi::Handle parent_handle, KernelObject& parent_object, KernelObject& object,
                                               abi::Rights rights, std::uint64_t badge) {
    auto& root = parent_object.derivation_root_;
    for (;;) {
        {
            LockGuard derivation(root.derivation_lock_);
            LockGuard guard(lock_);
            auto* parent = entry_locked(parent_handle);
            if (parent == nullptr || parent->object != &parent_object)
                return fail(Error::bad_handle);
            if (auto* entry = allocate_locked(object, rights, badge); entry != nullptr) {
                link(root, *entry, parent);
                return value_of(*entry);
            }
        }
        TRY(grow());
    }
}

Result<abi::Handle> HandleTable::move(abi::Handle handle, HandleTable& target) {
    auto const found = TRY(find(handle));
    return move_found(handle, found, target);
}

Result<MessageHandles> HandleTable::move_message(MessageHandles& handles, HandleTable& target) {
    LateHandles found;
    for (std::size_t i = 0; i < handles.count; ++i) {
        if (!has(found.keep(i, TRY(find(handles.values[i]))).rights, abi::Rights::transfer))
            return fail(Error::access_denied);
    }
    MessageHandles moved;
    for (; moved.count < handles.count; ++moved.count) {
        auto const value = move_found(handles.values[moved.count], found[moved.count], target);
        if (!value) {
            auto const returned = target.return_message(moved, *this);
            std::ranges::copy(std::span(returned.values).first(moved.count), handles.values.begin());
            return fail(value.error());
        }
        moved.values[moved.count] = *value;
    }
    return moved;
}

// The slots they came from are free again, so that the way back has room.
MessageHandles HandleTable::return_message(MessageHandles const& handles, HandleTable& source) {
    LateHandles found;
    MessageHandles returned{.count = handles.count};
    for (std::size_t i = 0; i < handles.count; ++i) {
        if (auto handle = find(handles.values[i]); handle)
            returned.values[i] = move_found(handles.values[i], found.keep(i, *std::move(handle)), source).value_or(0);
    }
    return returned;
}

Result<abi::Handle> HandleTable::move_found(abi::Handle handle, ResolvedHandle const& found, HandleTable& target) {
    auto const& object = found.object;
    auto& root = object->derivation_root_;
    bool const is_reply = object->kind() == abi::ObjectKind::reply;
    for (;;) {
        abi::Handle moved = 0;
        {
            LockGuard derivation(root.derivation_lock_);
            HandleEntry* old = nullptr;
            {
                LockGuard guard(lock_);
                old = entry_locked(handle);
                if (old == nullptr || old->object != object.get())
                    return fail(Error::bad_handle);
                if (&target == this)
                    return handle;
            }
            // Nobody else can take `old` out of its slot meanwhile: that needs the derivation lock. Except that a reply handle
            // goes when it is answered; a look at the slot below notices.
            HandleEntry* entry = nullptr;
            {
                LockGuard guard(target.lock_);
                if (target.is_closed_)
                    return fail(Error::no_resources);
                entry = target.allocate_locked(*object, found.rights, found.badge);
                if (entry != nullptr)
                    moved = value_of(*entry);
            }
            if (entry != nullptr) {
                if (!is_reply) {
                    link(root, *entry, old->parent);
                    while (auto* child = old->first_child) {
                        unlink(root, *child);
                        link(root, *child, entry);
                    }
                    unlink(root, *old);
                }
                LockGuard guard(lock_);
                if (entry_locked(handle) == old) {
                    free_locked(*old);
                    object->handles_.fetch_sub(1, std::memory_order_relaxed);
                    if (has(found.rights, abi::Rights::receive))
                        object->receive_handles_.fetch_sub(1, std::memory_order_relaxed);
                    object->drop_reference();   // `found` holds another one
                    return moved;
                }
            }
        }
        if (moved != 0) {
            (void)target.take_reply(moved);
            return fail(Error::bad_handle);
        }
        TRY(target.grow());
    }
}

Result<> HandleTable::close(abi::Handle handle) {
    auto found = TRY(find(handle));
    auto& object = found.object;
    {
        auto& root = object->derivation_root_;
        LockGuard derivation(root.derivation_lock_);
        LockGuard guard(lock_);
        auto* entry = entry_locked(handle);
        if (entry == nullptr || entry->object != object.get())
            return fail(Error::bad_handle);
        if (object->kind() != abi::ObjectKind::reply) {
            adopt_children(root, *entry);
            unlink(root, *entry);
        }
        free_locked(*entry);
    }
    release(std::move(object), found.rights, found.badge);
    return {};
}

Result<ResolvedHandle> HandleTable::take_reply(abi::Handle handle) {
    LockGuard guard(lock_);
    auto* entry = entry_locked(handle);
    if (entry == nullptr)
        return fail(Error::bad_handle);
    if (entry->object->kind() != abi::ObjectKind::reply)
        return fail(Error::wrong_type);
    // The entry's reference becomes the caller's.
    entry->object->handles_.fetch_sub(1, std::memory_order_relaxed);
    ResolvedHandle resolved{Ref<KernelObject>::adopt(*entry->object), entry->rights(), entry->badge};
    free_locked(*entry);
    return resolved;
}

Result<std::uint64_t> HandleTable::revoke(abi::Handle handle) {
    auto const object = TRY(find(handle)).object;
    if (object->kind() == abi::ObjectKind::reply)
        return std::uint64_t{0};
    auto& root = object->derivation_root_;
    struct Released {
        KernelObject* object;   // the entry's reference keeps it until release() drops that
        abi::Rights rights;
    };
    for (std::uint64_t revoked = 0;;) {
        std::array<Released, revocation_step> released;
        std::size_t count = 0;
        {
            LockGuard derivation(root.derivation_lock_);
            HandleEntry* top = nullptr;
            {
                LockGuard guard(lock_);
                top = entry_locked(handle);
                if (top == nullptr || top->object != object.get())
                    return fail(Error::bad_handle);
            }
            // Deepest first along the first children, so that nothing recurses and no handle loses its place before it goes.
            for (auto* at = top; count < released.size() && top->first_child != nullptr;) {
                while (at->first_child != nullptr)
                    at = at->first_child;
                auto& victim = *std::exchange(at, at->parent);
                unlink(root, victim);
                released[count++] = {victim.object, victim.rights()};
                LockGuard guard(victim.table->lock_);
                victim.table->free_locked(victim);
            }
        }
        if (count == 0)
            return revoked;
        for (auto const& gone : std::span(released).first(count))
            release(Ref<KernelObject>::share(*gone.object), gone.rights, 0);
        revoked += count;
    }
}

void HandleTable::close_all() {
    std::size_t slots = 0;
    {
        LockGuard guard(lock_);
        is_closed_ = true;
        slots = page_count_ * entries_per_page;
    }
    for (std::size_t slot = 0; slot < slots; ++slot) {
        abi::Handle handle = 0;
        {
            LockGuard guard(lock_);
            auto const& entry = (*(*pages_)[slot / entries_per_page]).entries[slot % entries_per_page];
            if (entry.object != nullptr)
                handle = value_of(entry);
        }
        // A handle that somebody else revokes or moves away first is closed just as well.
        if (handle != 0)
            (void)close(handle);
    }
}

}  // namespace astrata::kernel
