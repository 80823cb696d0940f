// Wait sets: one wait for many sources. A source that has something to give stands on the set's ready list; a waiter
// takes the first and asks it. Lock order: endpoint or waitable, then wait set.
#pragma once

#include <cstdint>

#include "kernel/ipc/waitable.h"
#include "kernel/object/object.h"
#include "lib/base/intrusive_list.h"

namespace astrata::kernel {

class Thread;
class WaitSet;

/// One source in one set. The source's back pointer is guarded by the source's lock, the links by the set's. Whoever takes
/// the entry off the set's list of all ends it, once the source points to it no more.
struct WaitSetEntry {
    WaitSet& set;
    Ref<KernelObject> source;
    std::uint64_t const key;
    ListLink<WaitSetEntry> all_link;
    ListLink<WaitSetEntry> ready_link;
};

class WaitSet final : public KernelObject {
public:
    static constexpr std::uint64_t key_limit = std::uint64_t{1} << 56;  // the top byte of a delivered key is the kind

    explicit WaitSet(Ref<Account> account) : KernelObject(abi::ObjectKind::wait_set, std::move(account)) {}
    ~WaitSet() override;
    void handles_gone() override { clear(); }

    /// errors    already_exists, not_supported (kind cannot be waited for), no_memory, invalid_argument (key too large)
    [[nodiscard]] Result<> add(Ref<KernelObject> source, std::uint64_t key);
    /// errors    not_found
    [[nodiscard]] Result<> remove(KernelObject& source);

    /// For a source that joins or leaves the set, holding its own lock. False if the entry has left already: the set is
    /// being cleared, and ends the entry itself.
    void link(WaitSetEntry& entry);
    [[nodiscard]] bool unlink(WaitSetEntry& entry);

    /// A source (which holds its own lock) has something to give: puts it on the ready list. Returns a waiter whose
    /// wake-up was won and who is the caller's to make ready; null if nobody waits.
    [[nodiscard]] Thread* mark_ready(WaitSetEntry& entry);
    /// For direct hand-over: a waiter, won, without marking anything ready.
    [[nodiscard]] Thread* pop_waiter();

    /// A reference to the first ready source and its key, taken off the list; null source if none is ready. Announces
    /// the calling thread's wait and queues it in that case.
    struct Ready {
        RefOrNull<KernelObject> source;
        std::uint64_t key = 0;
    };
    [[nodiscard]] Ready next_or_queue(Thread& self, bool may_queue);
    /// After a wait that ended for another reason than a hand-over.
    void leave_queue(Thread& self);

private:
    template <Processors processors>
    friend class FastPath;
    void clear();
    void end(WaitSetEntry& entry);

    SpinLock<LockRank::wait_set, IrqsOff> lock_;
    IntrusiveList<WaitSetEntry, &WaitSetEntry::all_link> entries_ GUARDED_BY(lock_);
    IntrusiveList<WaitSetEntry, &WaitSetEntry::ready_link> ready_ GUARDED_BY(lock_);
    WaitQueue waiters_ GUARDED_BY(lock_);
};

}  // namespace astrata::kernel
