#include "strates/linux/futex/priority_lock.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <optional>

#include "lib/base/intrusive_list.h"
#include "strates/linux/core/lock.h"
#include "strates/linux/core/wait.h"
#include "strates/linux/futex/futex_key.h"
#include "strates/linux/process/process_table.h"
#include "strates/linux/process/scheduling.h"

namespace astrata::linux_abi {

/// One that waits; it lies on that one's own stack.
struct LockWaiter {
    ListLink<LockWaiter> link;
    Task& task;
    std::atomic<bool> is_owner = false;
    /// Whom it has the lock from, and then lends nothing any more.
    std::optional<Ref<Task>> former;
    /// As the owner it must write this into the word, which the former one could not; 0: nothing.
    std::uint32_t due_word = 0;
};

/// A lock that somebody waits for.
struct ContendedLock {
    ContendedLock(FutexKey of, Ref<Task> by) : key(of), owner(std::move(by)) {}
    ListLink<ContendedLock> link;
    FutexKey key;
    Ref<Task> owner;  // whatever the word says
    IntrusiveList<LockWaiter, &LockWaiter::link> waiters;
};

namespace {

constexpr std::uint32_t waiters_bit = 0x8000'0000;
constexpr std::uint32_t owner_died_bit = 0x4000'0000;
constexpr std::uint32_t owner_mask = 0x3fff'ffff;
// As many locks in a row as priority is lent along (Linux's max_lock_depth).
constexpr unsigned chain_limit = 1024;

/// Over all contended locks, and what is lent: there are few of either.
constinit Mutex mutex;
constinit IntrusiveList<ContendedLock, &ContendedLock::link> contended GUARDED_BY(mutex);

ContendedLock* find_locked(FutexKey const& key) REQUIRES(mutex) {
    for (auto& lock : contended) {
        if (lock.key == key)
            return &lock;
    }
    return nullptr;
}

std::uint32_t urgency(Task const& task) {
    return std::max(bedrock_priority(task.scheduling_policy, task.nice, task.scheduling_priority), task.lending.lent);
}

// First come, first served among equals.
LockWaiter* most_urgent(ContendedLock& lock) {
    LockWaiter* best = nullptr;
    for (auto& waiter : lock.waiters) {
        if (best == nullptr || urgency(waiter.task) > urgency(best->task))
            best = &waiter;
    }
    return best;
}

// What the task is lent now, and those that it waits for in turn.
void update_lending_locked(Task& first) REQUIRES(mutex) {
    auto* task = &first;
    for (unsigned depth = 0; depth < chain_limit; ++depth) {
        std::uint32_t lent = 0;
        for (auto& lock : contended) {
            if (lock.owner.get() == task && !lock.waiters.is_empty())
                lent = std::max(lent, urgency(most_urgent(lock)->task));
        }
        if (lent == task->lending.lent)
            return;
        task->lending.lent = lent;
        if (!task->lending.has_ended)
            apply_priority(*task);
        if (task->lending.awaited == nullptr)
            return;
        task = task->lending.awaited->owner.get();
    }
}

bool waits_for_locked(Task const& owner, Task const& task) REQUIRES(mutex) {
    auto const* at = &owner;
    for (unsigned depth = 0; at != &task; ++depth) {
        if (at->lending.awaited == nullptr)
            return false;
        if (depth == chain_limit)
            return true;
        at = at->lending.awaited->owner.get();
    }
    return true;
}

void end_if_unawaited_locked(ContendedLock& lock) REQUIRES(mutex) {
    if (!lock.waiters.is_empty())
        return;
    contended.remove(lock);
    delete &lock;
}

// The new owner takes back what the former one was lent: that one, less urgent in the midst of this, would keep the new
// owner waiting as long as anything in between runs. `word` is where the former owner's program has it; null if that is
// not known.
LinuxResult<> hand_over_locked(ContendedLock& lock, GuestAddress word, std::uint32_t mark) REQUIRES(mutex) {
    auto& next = *most_urgent(lock);
    next.former = lock.owner;
    lock.waiters.remove(next);
    next.task.lending.awaited = nullptr;
    lock.owner = Ref<Task>::share(next.task);
    auto const value = next.task.id() | mark | (lock.waiters.is_empty() ? 0 : waiters_bit);
    LinuxResult<> written;
    if (word.is_null())
        next.due_word = value;
    else
        written = write_guest(word, value);
    update_lending_locked(next.task);
    auto const woken = Ref<Task>::share(next.task);
    next.is_owner.store(true, std::memory_order_release);  // its stack may be gone from here on
    woken->parker.unpark();
    end_if_unawaited_locked(lock);
    return written;
}

// One look at the word: whether it is the caller's now.
LinuxResult<bool> take_if_free(GuestAddress word, ProcessId self, std::uint32_t& seen) {
    seen = LTRY(load_guest_word(word));
    while ((seen & owner_mask) == 0) {
        auto const was = LTRY(compare_exchange_guest_word(word, seen, self | (seen & (owner_died_bit | waiters_bit))));
        if (was == seen)
            return true;
        seen = was;
    }
    if ((seen & owner_mask) == self)
        return fail(Errno::edeadlock);
    return false;
}

LinuxResult<Ref<Task>> find_owner(ProcessId id) {
    Lock lock(process_table().mutex);
    auto* const task = process_table().find_task(id);
    if (task == nullptr)
        return fail(Errno::esrch);
    return Ref<Task>::share(*task);
}

LinuxResult<> join_locked(ContendedLock& lock, LockWaiter& waiter) REQUIRES(mutex) {
    if (waits_for_locked(*lock.owner, waiter.task))
        return fail(Errno::edeadlock);
    lock.waiters.push_back(waiter);
    waiter.task.lending.awaited = &lock;
    update_lending_locked(*lock.owner);
    return {};
}

// Behind others. False if there are none.
LinuxResult<bool> join_others(FutexKey const& key, LockWaiter& waiter) {
    Lock guard(mutex);
    auto* const lock = find_locked(key);
    if (lock == nullptr)
        return false;
    LTRY(join_locked(*lock, waiter));
    return true;
}

// As the first. False if the word, or who waits, has changed meanwhile.
LinuxResult<bool> begin_to_wait(GuestAddress word, FutexKey const& key, std::uint32_t seen, Ref<Task> owner,
                                LockWaiter& waiter) {
    Lock guard(mutex);
    if (find_locked(key) != nullptr || LTRY(compare_exchange_guest_word(word, seen, seen | waiters_bit)) != seen)
        return false;
    if (owner->lending.has_ended)
        return fail(Errno::esrch);
    std::unique_ptr<ContendedLock> lock(new (std::nothrow) ContendedLock(key, std::move(owner)));
    if (lock == nullptr)
        return fail(Errno::enomem);
    LTRY(join_locked(*lock, waiter));
    contended.push_back(*lock);
    update_lending_locked(*lock->owner);
    lock.release();
    return true;
}

LinuxResult<> become_owner(GuestAddress word, LockWaiter const& waiter) {
    return waiter.due_word != 0 ? write_guest(word, waiter.due_word) : LinuxResult<>();
}

LinuxResult<> wait_for_lock(GuestAddress word, LockWaiter& waiter, MonotonicNs deadline) {
    LinuxResult<> slept;
    while (slept && !waiter.is_owner.load(std::memory_order_acquire))
        slept = sleep_task(deadline);
    Lock guard(mutex);
    if (waiter.is_owner.load(std::memory_order_relaxed)) {
        update_lending_locked(**waiter.former);
        return become_owner(word, waiter);
    }
    auto& lock = *waiter.task.lending.awaited;
    waiter.task.lending.awaited = nullptr;
    lock.waiters.remove(waiter);
    update_lending_locked(*lock.owner);
    end_if_unawaited_locked(lock);
    return slept;
}

}  // namespace

LinuxResult<> lock_priority_futex(GuestAddress word, bool is_private, MonotonicNs deadline) {
    auto const key = LTRY(futex_key(word, is_private));
    auto& self = current_task();
    for (;;) {
        std::uint32_t seen = 0;
        if (LTRY(take_if_free(word, self.id(), seen)))
            return {};
        LockWaiter waiter{.task = self};
        if (LTRY(join_others(key, waiter)))
            return wait_for_lock(word, waiter, deadline);
        auto owner = find_owner(seen & owner_mask);
        if (!owner) {
            // Perhaps it has handed the lock on and ended meanwhile.
            if (LTRY(load_guest_word(word)) != seen)
                continue;
            return fail(owner.error());
        }
        if (LTRY(begin_to_wait(word, key, seen, *std::move(owner), waiter)))
            return wait_for_lock(word, waiter, deadline);
    }
}

LinuxResult<> try_lock_priority_futex(GuestAddress word, bool is_private) {
    LTRY(futex_key(word, is_private));
    std::uint32_t seen = 0;
    if (LTRY(take_if_free(word, current_task().id(), seen)))
        return {};
    return fail(Errno::eagain);
}

LinuxResult<> unlock_priority_futex(GuestAddress word, bool is_private) {
    auto const key = LTRY(futex_key(word, is_private));
    auto const self = current_task().id();
    Lock guard(mutex);
    auto seen = LTRY(load_guest_word(word));
    if ((seen & owner_mask) != self)
        return fail(Errno::eperm);
    if (auto* const lock = find_locked(key); lock != nullptr) {
        if (lock->owner.get() != &current_task())
            return fail(Errno::einval);
        return hand_over_locked(*lock, word, 0);
    }
    // Whoever announced itself in the word meanwhile comes here for its place, and then finds the word changed.
    for (;;) {
        auto const was = LTRY(compare_exchange_guest_word(word, seen, 0));
        if (was == seen)
            return {};
        if ((was & owner_mask) != self)
            return fail(Errno::eperm);
        seen = was;
    }
}

void leave_priority_locks(Task& task) {
    Lock guard(mutex);
    task.lending.has_ended = true;
    for (auto* lock = contended.front(); lock != nullptr;) {
        auto* const next = contended.next(*lock);
        if (lock->owner.get() == &task)
            static_cast<void>(hand_over_locked(*lock, {}, owner_died_bit));
        lock = next;
    }
}

void lend_anew(Task& task) {
    Lock guard(mutex);
    if (task.lending.awaited != nullptr)
        update_lending_locked(*task.lending.awaited->owner);
}

}  // namespace astrata::linux_abi
