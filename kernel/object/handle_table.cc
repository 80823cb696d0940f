#include "kernel/object/handle_table.h"

#include <span>

#include "kernel/ipc/reply.h"
#include "kernel/mem/heap.h"
#include "kernel/object/lookup.h"

namespace astrata::kernel {

HandleTable::~HandleTable() {
    close_all();
    LockGuard guard(lock_);
    if (pages_ == nullptr)
        return;
    for (auto* page : std::span(*pages_).first(page_count_))
        mem::heap_free(page, page_size);
    mem::heap_free(pages_, sizeof(*pages_));
    account_.uncharge(page_count_ * page_size + sizeof(*pages_));
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

Result<> HandleTable::grow() {
    TRY(account_.charge(page_size));
    auto* memory = mem::heap_allocate(page_size);
    if (memory == nullptr) {
        account_.uncharge(page_size);
        return fail(Error::no_memory);
    }
    auto* page = ::new (memory) Page{};

    std::array<Page*, page_limit>* directory = nullptr;
    {
        LockGuard guard(lock_);
        if (pages_ == nullptr)
            directory = nullptr;
        else
            directory = pages_;
    }
    if (directory == nullptr) {
        if (auto charged = account_.charge(sizeof(*pages_)); charged.has_value()) {
            if (auto* room = mem::heap_allocate(sizeof(*pages_)); room != nullptr) {
                auto* fresh = ::new (room) std::array<Page*, page_limit>{};
                LockGuard guard(lock_);
                if (pages_ == nullptr) {
                    pages_ = fresh;
                    fresh = nullptr;
                }
                directory = pages_;
                if (fresh != nullptr)
                    mem::heap_free(fresh, sizeof(*fresh));
            }
            if (directory == nullptr)
                account_.uncharge(sizeof(*pages_));
        }
    }

    LockGuard guard(lock_);
    bool const is_full = page_count_ == page_limit;
    if (directory == nullptr || is_closed_ || is_full) {
        mem::heap_free(page, page_size);
        account_.uncharge(page_size);
        return fail(directory == nullptr ? Error::no_memory : Error::no_resources);
    }
    auto const first_slot = page_count_ * entries_per_page;
    (*pages_)[page_count_++] = page;
    for (std::size_t i = entries_per_page; i-- > 0;) {
        auto& entry = page->entries[i];
        entry.table = this;
        entry.slot = static_cast<std::uint16_t>(first_slot + i);
        entry.next_sibling = first_free_;
        first_free_ = &entry;
    }
    return {};
}

// The tree functions run with the object's derivation lock held by their callers; the analysis cannot follow a lock
// that is a member of a parameter through the friend.
void HandleTable::link(KernelObject& object, HandleEntry& entry, HandleEntry* parent) NO_THREAD_SAFETY_ANALYSIS {
    auto*& first = parent != nullptr ? parent->first_child : object.first_root_;
    entry.parent = parent;
    entry.previous_sibling = nullptr;
    entry.next_sibling = first;
    if (first != nullptr)
        first->previous_sibling = &entry;
    first = &entry;
}

void HandleTable::unlink(KernelObject& object, HandleEntry& entry) NO_THREAD_SAFETY_ANALYSIS {
    if (entry.previous_sibling != nullptr)
        entry.previous_sibling->next_sibling = entry.next_sibling;
    else
        (entry.parent != nullptr ? entry.parent->first_child : object.first_root_) = entry.next_sibling;
    if (entry.next_sibling != nullptr)
        entry.next_sibling->previous_sibling = entry.previous_sibling;
}

void HandleTable::adopt_children(KernelObject& object, HandleEntry& entry) {
    while (auto* child = entry.first_child) {
        unlink(object, *child);
        link(object, *child, entry.parent);
    }
}

void HandleTable::release(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge) {
    if (object->kind() == abi::ObjectKind::reply)
        static_cast<Reply&>(*object).drop(badge);
    if (has(rights, abi::Rights::receive) && object->receive_handles_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        object->receivers_gone();
    if (object->handles_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        object->handles_gone();
    object->drop_reference();  // the entry's own
}

Result<ResolvedHandle> HandleTable::find(abi::Handle handle) {
    LockGuard guard(lock_);
    auto* entry = entry_locked(handle);
    if (entry == nullptr)
        return fail(Error::bad_handle);
    return ResolvedHandle{Ref<KernelObject>::share(*entry->object), entry->rights(), entry->badge};
}

Result<abi::Handle> HandleTable::insert(Ref<KernelObject> object, abi::Rights rights, std::uint64_t badge) {
    for (;;) {
        {
            LockGuard derivation(object->derivation_lock_);
            LockGuard guard(lock_);
            if (is_closed_)
                return fail(Error::no_resources);
            if (auto* entry = allocate_locked(*object, rights, badge); entry != nullptr) {
                link(*object, *entry, nullptr);
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
    auto const object = TRY(find(parent_handle))
    .object;
    for (;;) {
        {
            LockGuard derivation(object->derivation_lock_);
            LockGuard guard(lock_);
            auto* parent = entry_locked(parent_handle);
            if (parent == nullptr || parent->object != object.get())
                return fail(Error::bad_handle);
            if (auto* entry = allocate_locked(*object, rights, badge); entry != nullptr) {
                link(*object, *entry, parent);
                return value_of(*entry);
            }
        }
        TRY(grow());
    }
}

Result<abi::Handle> HandleTable::move(abi::Handle handle, HandleTable& target) {
    auto const found = TRY(find(handle));
    auto const& object = found.object;
    bool const is_reply = object->kind() == abi::ObjectKind::reply;
    for (;;) {
        {
            LockGuard derivation(object->derivation_lock_);
            HandleEntry* old = nullptr;
            {
                LockGuard guard(lock_);
                old = entry_locked(handle);
                if (old == nullptr || old->object != object.get())
                    return fail(Error::bad_handle);
                if (&target == this)
                    return handle;
            }
            // Nobody else can take `old` out of its slot meanwhile: that needs the derivation lock. (A reply handle can
            // go, by being answered; take_reply below notices.)
            HandleEntry* entry = nullptr;
            {
                LockGuard guard(target.lock_);
                if (target.is_closed_)
                    return fail(Error::no_resources);
                entry = target.allocate_locked(*object, found.rights, found.badge);
            }
            if (entry != nullptr) {
                if (!is_reply) {
                    link(*object, *entry, old->parent);
                    while (auto* child = old->first_child) {
                        unlink(*object, *child);
                        link(*object, *child, entry);
                    }
                    unlink(*object, *old);
                }
                {
                    LockGuard guard(lock_);
                    if (auto* still = entry_locked(handle); still == old) {
                        free_locked(*old);
                    } else {
                        return fail(Error::bad_handle);
                    }
                }
                object->handles_.fetch_sub(1, std::memory_order_relaxed);
                if (has(found.rights, abi::Rights::receive))
                    object->receive_handles_.fetch_sub(1, std::memory_order_relaxed);
                object->drop_reference();
                return value_of(*entry);
            }
        }
        TRY(target.grow());
    }
}

Result<> HandleTable::close(abi::Handle handle) {
    auto found = TRY(find(handle));
    auto& object = found.object;
    {
        LockGuard derivation(object->derivation_lock_);
        LockGuard guard(lock_);
        auto* entry = entry_locked(handle);
        if (entry == nullptr || entry->object != object.get())
            return fail(Error::bad_handle);
        if (object->kind() != abi::ObjectKind::reply) {
            adopt_children(*object, *entry);
            unlink(*object, *entry);
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
    auto const object = TRY(find(handle))
    .object;
    if (object->kind() == abi::ObjectKind::reply)
        return std::uint64_t{0};
    std::uint64_t revoked = 0;
    for (;;) {
        abi::Rights rights{};
        // One handle at a time, deepest first along the first children, so that each step is short and nothing
        // recurses.
        {
            LockGuard derivation(object->derivation_lock_);
            HandleEntry* victim = nullptr;
            {
                LockGuard guard(lock_);
                auto const* entry = entry_locked(handle);
                if (entry == nullptr || entry->object != object.get())
                    return fail(Error::bad_handle);
                victim = entry->first_child;
            }
            if (victim == nullptr)
                return revoked;
            while (victim->first_child != nullptr)
                victim = victim->first_child;
            unlink(*object, *victim);
            rights = victim->rights();
            LockGuard guard(victim->table->lock_);
            victim->table->free_locked(*victim);
        }
        ++revoked;
        release(object, rights, 0);
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
