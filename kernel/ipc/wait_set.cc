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

    auto charge = TRY(PendingCharge::make(account(), mem::heap_charge(sizeof(WaitSetEntry))));
    auto* memory = mem::heap_allocate(sizeof(WaitSetEntry));
    if (memory == nullptr)
        return fail(Error::no_memory);
    charge.keep();
    auto* entry = ::new (memory) WaitSetEntry{.set = *this, .source = source, .key = key, .all_link = {}, .ready_link = {}};
    // Once it is bound, another thread may take the source out again and end the entry.
    auto bound = waitable != nullptr ? waitable->bind(*entry) : endpoint->bind(*entry);
    if (!bound)
        end(*entry);
    return bound;
}

namespace {

WaitSetEntry* unbind(KernelObject& source, WaitSet& set) {
    if (auto* waitable = waitable_of(source); waitable != nullptr)
        return waitable->unbind(set);
    return source.kind() == abi::ObjectKind::endpoint ? static_cast<Endpoint&>(source).unbind(set) : nullptr;
}

}  // namespace

void WaitSet::link(WaitSetEntry& entry) {
    LockGuard guard(lock_);
    entries_.push_back(entry);
}

bool WaitSet::unlink(WaitSetEntry& entry) {
    LockGuard guard(lock_);
    if (!entries_.is_linked(entry))
        return false;
    entries_.remove(entry);
    if (ready_.is_linked(entry))
        ready_.remove(entry);
    return true;
}

void WaitSet::end(WaitSetEntry& entry) {
    entry.~WaitSetEntry();
    mem::heap_free(&entry, sizeof(entry));
    account().uncharge(mem::heap_charge(sizeof(WaitSetEntry)));
}

// The source knows its entry, however many others are in the set.
Result<> WaitSet::remove(KernelObject& source) {
    auto* const entry = unbind(source, *this);
    if (entry == nullptr)
        return fail(Error::not_found);
    end(*entry);
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
        // Whoever takes the source out at the same time finds the entry off the list and leaves it alone, still holding
        // the source's lock. It may even have been added again.
        if (auto* const added_again = unbind(*entry->source, *this); added_again != nullptr)
            end(*added_again);
        {
            LockGuard guard(lock_);
            if (ready_.is_linked(*entry))
                ready_.remove(*entry);
        }
        end(*entry);
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
