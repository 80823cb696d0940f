#include "kernel/ipc/wait_set.h"

#include <new>

#include "kernel/ipc/endpoint.h"
#include "kernel/mem/heap.h"
#include "kernel/sched/thread.h"

namespace astrata::kernel {

WaitSet::~WaitSet() {
    clear();
}

Result<> WaitSet::add(Ref<KernelObject> source, std::uint64_t key) {
    if (key >= key_limit)
        return fail(Error::invalid_argument);
    auto* waitable = waitable_of(*source);
    auto* endpoint = source->kind() == abi::ObjectKind::endpoint ? static_cast<Endpoint*>(source.get()) : nullptr;
    if (waitable == nullptr && endpoint == nullptr)
        return fail(Error::not_supported);

    TRY(account().charge(sizeof(WaitSetEntry)));
    auto* memory = mem::heap_allocate(sizeof(WaitSetEntry));
    if (memory == nullptr) {
        account().uncharge(sizeof(WaitSetEntry));
        return fail(Error::no_memory);
    }
    auto* entry = ::new (memory) WaitSetEntry{.set = *this, .source = source, .key = key, .all_link = {}, .ready_link = {}};
    {
        LockGuard guard(lock_);
        entries_.push_back(*entry);
    }
    auto bound = waitable != nullptr ? waitable->bind(entry) : endpoint->bind(entry);
    if (!bound) {
        {
            LockGuard guard(lock_);
            entries_.remove(*entry);
        }
        entry->~WaitSetEntry();
        mem::heap_free(entry, sizeof(*entry));
        account().uncharge(sizeof(WaitSetEntry));
    }
    return bound;
}

// The entry is off the list of entries and is the caller's to end.
void WaitSet::detach(WaitSetEntry& entry) {
    if (auto* waitable = waitable_of(*entry.source); waitable != nullptr)
        waitable->unbind();
    else
        static_cast<Endpoint&>(*entry.source).unbind();
    {
        LockGuard guard(lock_);
        if (ready_.is_linked(entry))
            ready_.remove(entry);
    }
    entry.~WaitSetEntry();
    mem::heap_free(&entry, sizeof(entry));
    account().uncharge(sizeof(WaitSetEntry));
}

Result<> WaitSet::remove(KernelObject& source) {
    WaitSetEntry* found = nullptr;
    {
        LockGuard guard(lock_);
        for (auto& entry : entries_) {
            if (entry.source.get() == &source) {
                found = &entry;
                entries_.remove(entry);
                break;
            }
        }
    }
    if (found == nullptr)
        return fail(Error::not_found);
    detach(*found);
    return {};
}

void WaitSet::clear() {
    for (;;) {
        WaitSetEntry* entry = nullptr;
        {
            LockGuard guard(lock_);
            entry = entries_.pop_front();
        }
        if (entry == nullptr)
            return;
        detach(*entry);
    }
}

Thread* WaitSet::mark_ready(WaitSetEntry& entry) {
    LockGuard guard(lock_);
    if (!ready_.is_linked(entry))
        ready_.push_back(entry);
    return waiters_.pop_woken();
}

Thread* WaitSet::pop_waiter() {
    LockGuard guard(lock_);
    return waiters_.pop_woken();
}

WaitSet::Ready WaitSet::next_or_queue(Thread& self, bool may_queue) {
    LockGuard guard(lock_);
    if (auto* entry = ready_.pop_front(); entry != nullptr)
        return {entry->source, entry->key};
    if (may_queue) {
        self.prepare_to_wait();
        waiters_.push(self);
    }
    return {};
}

void WaitSet::leave_queue(Thread& self) {
    LockGuard guard(lock_);
    waiters_.remove(self);
}

}  // namespace astrata::kernel
